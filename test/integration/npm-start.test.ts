/** `npm start` of an ordinary user whose checkout it is: a container of that user, and nobody is asked for root. */
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { testWith } from '../helpers/test.js'
import { projectRoot } from '../helpers/tools.js'
import { User, userId } from '../helpers/user.js'

const test = testWith('tsrun', 'static', 'overlay', 'user-namespaces')

test('npm start as an ordinary user runs the rootless bundle, and does not speak of sudo before', (t, scope) => {
  const place = scope.path('checkout')
  mkdirSync(place)
  const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: projectRoot, encoding: 'utf8' }).trim()
  const user = new User(scope, {
    // The project as it is built, but the user's: in a copy of which only owners and what is written are its own.
    prepare: [
      `mount -t tmpfs tmpfs ${place} && cd ${place} && mkdir upper work project`,
      `mount -t overlay -o lowerdir=${projectRoot},upperdir=upper,workdir=work,metacopy=on project project`,
      `cd project && rm -rf .git bundles/rootless/rootfs && git init -q . && echo ${commit} > .git/HEAD`,
      `ls -A | grep -vx node_modules | xargs chown -R ${userId} && chown ${userId} .`,
    ],
  })
  const { status, stdout, stderr } = user.program([
    ...['env', '-i', `PATH=${process.env.PATH}`, `HOME=${place}/project/build`, 'npm_config_update_notifier=false'],
    ...['sh', '-c', `cd ${place}/project && exec npm start`],
  ])
  t.same({ status, stderr }, { status: 0, stderr: '' })
  t.match(stdout, /^uid=0(\(root\))? gid=0/m, 'root of the container')
  t.match(stdout, new RegExp(`^ +0 +${user.id} +1$`, 'm'), 'who is that user outside')
  const [before = '', after = ''] = stdout.split('Without root.')
  t.notMatch(before, /sudo|root is needed|needs root/i)
  t.match(after, 'As root: sudo npm start')
})

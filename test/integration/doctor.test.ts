/** Command: doctor. */
import { mkdirSync, readdirSync } from 'node:fs'
import { TerminalSession } from '../helpers/terminal-session.js'
import { testWith } from '../helpers/test.js'
import { User } from '../helpers/user.js'

const test = testWith('tsrun', 'static')

interface Found {
  readonly sections: readonly {
    title: string
    checks: readonly { name: string; state: string; found: string; mend?: string }[]
  }[]
  readonly works: readonly { name: string; state: string }[]
}

const stateOf = ({ sections }: Found, name: string): string | undefined =>
  sections.flatMap(({ checks }) => checks).find((one) => one.name === name)?.state

test('doctor runs a container, tells all sections, and leaves nothing', (t, scope) => {
  const folder = scope.path('tmp')
  mkdirSync(folder)
  const { status, stdout, stderr } = scope.runtime(['doctor', '--json'], {
    env: { PATH: process.env.PATH ?? '', TMPDIR: folder },
  })
  t.same({ status, stderr }, { status: 0, stderr: '' })
  const found = JSON.parse(stdout) as Found
  const titles = ['kernel', 'cgroups', 'users', 'security modules', 'programs', 'engines', 'attempts']
  t.same(
    found.sections.map(({ title }) => title),
    titles,
  )
  for (const name of ['Linux', 'openat2', 'mount_setattr', 'a container']) t.equal(stateOf(found, name), 'ok', name)
  t.match(found.works[0], { name: 'run containers', state: 'ok' })
  for (const { state, mend, name } of found.sections.flatMap(({ checks }) => checks)) {
    t.equal(mend === undefined, state === 'ok', `${name}: what is not ok says what mends it`)
  }
  t.same(readdirSync(folder), [])
})

test('what is not there is told by what was tried, not by what the kernel is called', (t, scope) => {
  const [program, ...args] = scope.runner.commandLine(['doctor', '--json'])
  const limited = scope.runner.runProgram('unshare', [
    ...['--user', '--map-root-user', 'sh', '-c', 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"', 'sh'],
    ...[program, ...args],
  ])
  t.equal(stateOf(JSON.parse(limited.stdout) as Found, 'user namespaces'), 'partly')
  t.match(limited.stdout, /sudo sysctl -w user.max_user_namespaces=15000/)
})

test(
  'colours are for terminals, and not with NO_COLOR',
  async (t, scope) => {
    t.notMatch(scope.runtime(['doctor']).stdout, '\x1b')
    const session = new TerminalSession(scope, 'sh')
    const doctor = scope.runner.commandLine(['doctor']).join(' ')
    const isColoured = async (before: string, end: string): Promise<boolean> => {
      session.press(`clear; ${before} ${doctor}; echo end''${end}`, 'Enter')
      await session.shows(new RegExp(`^end${end}$`, 'm'))
      return session.colours.includes('\x1b[32m')
    }
    t.equal(await isColoured('', 'one'), true)
    t.equal(await isColoured('NO_COLOR=1', 'two'), false)
  },
  { needs: ['tmux'] },
)

test('an ordinary user is told what is lacking for that user', (t, scope) => {
  const user = new User(scope)
  const { stdout, stderr } = user.runner.run(['doctor', '--json'])
  t.equal(stderr, '')
  const found = JSON.parse(stdout) as Found
  t.equal(stateOf(found, 'user'), 'ok')
  t.ok(stateOf(found, '/etc/subuid'))
  t.equal(stateOf(found, 'a container'), 'ok')
})

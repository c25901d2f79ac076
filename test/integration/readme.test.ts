/** What README.md prints can be typed in its order. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../helpers/tools.js'

t.test('each bundle of README.md is made once: no command fails because of one before', async (t) => {
  const folder = t.testdir({})
  const lines = readFileSync(join(projectRoot, 'README.md'), 'utf8').split('\n')
  const making = lines.filter((line) => /^mkdir -p \/tmp\/\w+\/rootfs|^dist\/tsrun spec /.test(line))
  t.ok(making.length >= 4)
  for (const line of making) {
    const { status, stderr } = spawnSync('sh', ['-c', line.replaceAll('/tmp/', `${folder}/`)], {
      cwd: projectRoot,
      encoding: 'utf8',
    })
    t.same({ status, stderr }, { status: 0, stderr: '' }, line)
  }
})

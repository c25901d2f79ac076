/** Command: ps. */
import { dropNamespace, type Change } from '../helpers/config.js'
import { ended, Lines } from '../helpers/runtime.js'
import { test } from '../helpers/test.js'

/** Two processes; says `ready` when both are there. */
const twoProcesses: Change = (config) => {
  config.process.args = ['/bin/sh', '-c', 'sleep 1000 & echo ready; wait']
}

test('ps prints the pids of all processes as the runtime sees them', async (t, scope) => {
  const container = scope.container(twoProcesses)
  const child = container.spawn('run')
  const lines = new Lines(child.stdout)
  t.equal(await lines.next(), 'ready')
  const { status, stdout, stderr } = scope.runtime(['ps', '--format', 'json', container.id])
  t.same({ status, stderr }, { status: 0, stderr: '' })
  t.match(stdout, /^\[\d+,\d+\]\n$/)
  t.ok((JSON.parse(stdout) as number[]).includes(container.state().pid))
  container.kill('KILL')
  await ended(child)
})

test(
  'the table is that of ps, with the options that are given',
  async (t, scope) => {
    const container = scope.container(twoProcesses)
    const child = container.spawn('run')
    const lines = new Lines(child.stdout)
    await lines.next()
    const { pid } = container.state()
    const full = scope.runtime(['ps', container.id])
    t.equal(full.status, 0)
    const rows = full.stdout.trimEnd().split('\n')
    t.match(rows[0], /^UID +PID +PPID/)
    t.equal(rows.length, 3)
    t.match(scope.runtime(['ps', container.id, '-o', 'pid,comm']).stdout, new RegExp(`^ +PID COMMAND\\n *${pid} sh\\n`))
    t.match(scope.runtime(['ps', container.id, '-o', 'comm']), {
      status: 1,
      stderr: /couldn't find PID field in ps output/,
    })
    t.match(scope.runtime(['ps', container.id, '--no-such-option']), { status: 1, stdout: '', stderr: /exit status 1/ })
    container.kill('KILL')
    await ended(child)
  },
  { needs: ['ps'] },
)

test('ps of a stopped container is empty; other formats and unknown ids are errors', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/bin/true']
  })
  container.complete()
  t.match(scope.runtime(['ps', '-f', 'json', container.id]), { status: 0, stdout: 'null\n', stderr: '' })
  t.match(scope.runtime(['ps', container.id, '-o', 'pid,comm']), { status: 0, stdout: /^ *PID COMMAND\n$/ })
  t.match(scope.runtime(['ps', '-f', 'yaml', container.id]), { status: 1, stderr: /invalid format option/ })
  t.match(scope.runtime(['ps', 'nobody']), { status: 1, stderr: /does not exist/ })
})

test('processes of a container without a pid namespace of its own are known too', async (t, scope) => {
  const container = scope.container((config) => {
    twoProcesses(config)
    dropNamespace(config, 'pid')
  })
  const child = container.spawn('run')
  const lines = new Lines(child.stdout)
  t.equal(await lines.next(), 'ready')
  t.equal((JSON.parse(scope.runtime(['ps', '-f', 'json', container.id]).stdout) as number[]).length, 2)
  container.kill('KILL')
  await ended(child)
})

/** containerd: containers by `ctr`. */
import assert from 'node:assert/strict'
import { Containerd } from './support/containerd.js'
import { Features } from './support/feature.js'
import { prompt, Terminal } from './support/terminal.js'

const containerd = new Features('containerd', () => Containerd.start())

containerd.add('ctr run --runc-binary: output, exit status', async (containerd) => {
  const { status, stdout, stderr } = await containerd.run([], 'sh', '-c', 'echo out; echo err >&2; exit 3')
  assert.deepEqual([status, stdout, stderr.includes('err\n')], [3, 'out\n', true])
})

containerd.add('ctr run of a program that is not there', async (containerd) => {
  const { status, stderr } = await containerd.run([], 'no-such-program')
  assert.notEqual(status, 0)
  assert.match(stderr, /executable file not found in \$PATH/)
})

containerd.add('ctr run -t under a real terminal', async (containerd) => {
  const args = ['--address', containerd.sandbox.file('containerd.sock')]
  const line = ['ctr', ...args, ...containerd.runArguments(['-t', '--rm'], containerd.name(), 'sh')].join(' ')
  const terminal = await Terminal.open(containerd.sandbox, line, {})
  try {
    await terminal.shows(prompt)
    await terminal.type('tty; exit 7')
    await terminal.shows(/\/dev\/pts\/0\r+\n/)
    await terminal.shows(/ended with 7/)
  } finally {
    await terminal.close()
  }
})

containerd.add('ctr run --cwd, --env, --read-only, --mount', async (containerd) => {
  const mount = `type=bind,src=${containerd.sandbox.file('image/etc')},dst=/data,options=rbind:ro`
  const options = ['--cwd', '/tmp', '--env', 'WORD=value', '--read-only', '--mount', mount]
  const script = 'pwd; echo $WORD; head -n 1 /data/group; touch /file'
  const { stdout, stderr } = await containerd.run(options, 'sh', '-c', script)
  assert.equal(stdout, '/tmp\nvalue\nroot:x:0:\n')
  assert.match(stderr, /Read-only file system/)
})

containerd.add('ctr run --memory-limit, --cpus', async (containerd) => {
  const name = containerd.name()
  const options = ['--rm', '--memory-limit', `${20 << 20}`, '--cpus', '0.5']
  const { status } = await containerd.command(containerd.runArguments(options, name, 'tail', '/dev/zero'))
  assert.equal(status, 137)
})

containerd.add('ctr run --seccomp, --privileged=false, --no-pivot', async (containerd) => {
  const script = 'grep Seccomp: /proc/self/status'
  const { stdout } = await containerd.run(['--seccomp', '--no-pivot'], 'sh', '-c', script)
  assert.match(stdout, /\t2$/m)
})

containerd.add('tasks exec: output, exit status', async (containerd) => {
  const name = await containerd.start()
  const exec = ['tasks', 'exec', '--exec-id', 'first', name, 'sh', '-c', 'echo inside; exit 3']
  const { status, stdout } = await containerd.command(exec)
  assert.deepEqual([status, stdout], [3, 'inside\n'])
})

containerd.add('tasks pause, resume', async (containerd) => {
  const name = await containerd.start()
  await containerd.ok('tasks', 'pause', name)
  assert.match(await containerd.ok('tasks', 'ls'), new RegExp(`${name} +\\d+ +PAUSED`))
  await containerd.ok('tasks', 'resume', name)
  assert.match(await containerd.ok('tasks', 'ls'), new RegExp(`${name} +\\d+ +RUNNING`))
})

containerd.add('tasks attach, kill, kill --all, ps', async (containerd) => {
  const name = await containerd.start()
  assert.equal((await containerd.ok('tasks', 'ps', name)).split('\n').length, 3)
  const waiting = containerd.command(['tasks', 'attach', name])
  await containerd.ok('tasks', 'kill', '--signal', 'TERM', name)
  assert.equal((await waiting).status, 5)
  const other = await containerd.start()
  const waitingToo = containerd.command(['tasks', 'attach', other])
  await containerd.ok('tasks', 'kill', '--all', '--signal', 'KILL', other)
  assert.equal((await waitingToo).status, 137)
})

containerd.add('tasks metrics', async (containerd) => {
  const name = await containerd.start('--memory-limit', `${20 << 20}`)
  const metrics = await containerd.ok('tasks', 'metrics', name)
  assert.match(metrics, /memory\.(usage_in_bytes|usage) +[1-9]/)
  assert.match(metrics, /pids\.current +2/)
})

containerd.add('20 ctr run at once', async (containerd) => {
  const all = await Promise.all(Array.from({ length: 20 }, (_, i) => containerd.run([], 'echo', `${i}`)))
  assert.deepEqual(
    all.map(({ status, stdout, stderr }) => `${status} ${stdout.trim()}${stderr}`),
    Array.from({ length: 20 }, (_, i) => `0 ${i}`),
  )
})

containerd.end()

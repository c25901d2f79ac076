/** Commands: checkpoint and restore: what each option of CRIU's changes. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { mkdirSync, readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { watch } from 'node:fs/promises'
import { Counter, withCriu } from '../helpers/checkpoint.js'
import { setNamespace, type Change } from '../helpers/config.js'
import { runInTerminal } from '../helpers/peer.js'
import { criuPath } from '../helpers/requires.js'
import { ended } from '../helpers/runtime.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun', 'criu')
const testTracking = testWith('tsrun', 'criu', 'criu-tracking')
const testWithoutAppArmor = testWith('tsrun', 'criu', 'no-apparmor')
const done = { status: 0, stderr: '' }

/** After a script the program counts as that of every Counter does. */
const after =
  (script: string, change?: Change): Change =>
  (config) => {
    const [shell = '', flag = '', count = ''] = config.process.args
    config.process.args = [shell, flag, `${script}; ${count}`]
    change?.(config)
  }

/** A network of its own, and the right to set it up. */
const withNetwork: Change = (config) => {
  setNamespace(config, 'network')
  for (const set of ['bounding', 'effective', 'permitted'] as const)
    config.process.capabilities?.[set]?.push('CAP_NET_ADMIN')
}

/** A checkpoint fails without an option, whose name is in CRIU's words, and with it a restore goes on. */
function takes(t: Tap, counter: Counter, option: string, refusal: RegExp, restoreToo = true): void {
  t.equal(counter.ask(), 1)
  t.match(counter.checkpoint(), { status: 1, stderr: refusal }, 'without the option')
  t.equal(counter.ask(), 2)
  t.match(counter.checkpoint([option]), done)
  t.match(counter.restore(counter.newId(), ['-d', ...(restoreToo ? [option] : [])]), done)
  t.equal(counter.ask(), 3)
}
type Tap = Parameters<Parameters<typeof test>[1]>[0]

test('--tcp-established: a container with an open connection is refused without it, and the connection goes on', (t, scope) => {
  const client =
    '(echo x; sleep 1000) | until /bin/busybox nc 127.0.0.1 7 2>/tmp/errors; do :; done | ' +
    '(read x; echo $x >/answer; read x </question; cat)'
  const server = '/bin/busybox ifconfig lo up; /bin/busybox nc -l -p 7 -e /bin/cat &'
  const counter = new Counter(scope, (config) => {
    withNetwork(config)
    config.process.args = ['/bin/sh', '-c', `${server} ${client}`]
  }).start()
  t.equal(counter.answer.read(), 'x\n')
  t.match(counter.checkpoint(), { status: 1, stderr: /tcp-established|[Cc]onnected TCP socket/ })
  t.match(counter.checkpoint(['--tcp-established', '--tcp-skip-in-flight']), done)
  const id = counter.newId()
  t.match(counter.restore(id, ['-d']), { status: 1, stderr: /tcp-established|[Cc]onnected TCP socket/ })
  t.match(counter.restore(id, ['-d', '--tcp-established']), done)
  t.match(scope.runtime(['exec', id, '/bin/busybox', 'netstat', '-tn']).stdout, /127\.0\.0\.1:7 .*ESTABLISHED/)
})

test('--tcp-skip-in-flight: a connection that nobody has accepted yet is refused without it', (t, scope) => {
  const listening = 'until /bin/busybox netstat -ltn | /bin/busybox grep -q :7; do :; done'
  // A server that is stopped accepts no more than what it was waiting for.
  const server = `/bin/busybox ifconfig lo up; /bin/busybox nc -l -p 7 >/dev/null & ${listening}; kill -STOP $!`
  const client = 'sleep 1000 | /bin/busybox nc 127.0.0.1 7 &'
  const connected = '/bin/busybox netstat -tn | /bin/busybox grep -c "127.0.0.1:7 *ESTAB"'
  const clients = `${client} ${client} until [ "$(${connected})" = 2 ]; do :; done`
  const counter = new Counter(scope, after(`${server}; ${clients}`, withNetwork)).start()
  t.equal(counter.ask(), 1)
  t.match(counter.checkpoint(['--tcp-established']), { status: 1, stderr: /In-flight connection/ })
  t.equal(counter.ask(), 2)
  t.match(counter.checkpoint(['--tcp-established', '--tcp-skip-in-flight']), done)
})

test('--file-locks: a container with locked files is refused without it', (t, scope) => {
  const counter = new Counter(scope, after('exec 9>/lock; /probe "syscall 73 9 2" >/dev/null')).start()
  takes(t, counter, '--file-locks', /file-locks|lock/)
})

test('--link-remap: an open file whose name is gone, but not its other one, is refused without it', (t, scope) => {
  const counter = new Counter(scope, after('echo 1 >/one; exec 9</one; /bin/busybox ln /one /two; rm /one')).start()
  takes(t, counter, '--link-remap', /link-remap|linked/, false)
})

test('--ext-unix-sk: a stream whose other end is outside is refused without it', async (t, scope) => {
  const counter = new Counter(scope)
  // The streams that Node.js gives a child are pairs of unix sockets.
  const child = counter.container.spawn('run')
  t.equal(counter.ask(), 1)
  t.match(counter.checkpoint(), { status: 1, stderr: /external socket|ext-unix-sk/ })
  t.equal(counter.ask(), 2)
  // Of what lies outside CRIU restores only datagram sockets with a name.
  t.match(counter.checkpoint(['--ext-unix-sk']), { status: 1, stderr: /half of stream unix connection/ })
  t.equal(counter.ask(), 3)
  counter.container.kill('KILL')
  await ended(child)
})

test('--shell-job: a container in the terminal of its caller is refused without it, and goes on in that of who restores', (t, scope) => {
  const counter = new Counter(scope)
  const { container, images } = counter
  const id = counter.newId()
  const line = scope.runner.commandLine([]).join(' ')
  const [from, to] = [`--image-path ${images}`, `--bundle ${container.bundle.path}`]
  const ask = (id: string): string => `${line} exec ${id} /bin/sh -c 'echo >/question; cat /answer'`
  const script =
    `${line} run -d ${to} ${container.id}; ${ask(container.id)}; ${line} checkpoint ${from} ${container.id}; ` +
    `${line} checkpoint --shell-job ${from} ${container.id} && ${line} restore -d --shell-job ${from} ${to} ${id} && ` +
    `${ask(id)} && ${line} exec ${id} /bin/sh -c 'readlink /proc/1/fd/1' && ${line} delete -f ${id}`
  const { status, shown } = runInTerminal(['/usr/bin/env', `PATH=${criuPath()}`, '/bin/sh', '-c', script])
  t.equal(status, 0, shown)
  t.match(shown, /^1\r\ntsrun: criu dump failed: [^\n]*\/dev\/pts[^\n]*\n2\r\n\/dev\/pts\/\d+\r\n$/)
})

for (const mode of ['soft', 'full', 'ignore']) {
  test(`--manage-cgroups-mode ${mode}: the restored container is in the cgroup of its id`, (t, scope) => {
    const counter = new Counter(scope).start()
    t.match(counter.checkpoint(['--manage-cgroups-mode', mode]), done)
    const id = counter.newId()
    t.match(counter.restore(id, ['-d', '--manage-cgroups-mode', mode]), done)
    t.equal(counter.ask(), 1)
    const { pid } = JSON.parse(scope.runtime(['state', id]).stdout) as { pid: number }
    for (const line of readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n'))
      t.match(line, new RegExp(`/${id}$`))
  })
}

test('--manage-cgroups-mode strict: CRIU refuses a cgroup that exists, as that of a new container does', (t, scope) => {
  const counter = new Counter(scope).start()
  const mode = ['--manage-cgroups-mode', 'strict']
  t.match(counter.checkpoint(mode), done)
  const id = counter.newId()
  t.match(counter.restore(id, ['-d', ...mode]), { status: 1, stderr: /Abort restore of existing cgroups/ })
  t.match(counter.restore(id, ['-d']), done)
})

test('--empty-ns network: a network namespace is made anew, without what was in it', (t, scope) => {
  const counter = new Counter(
    scope,
    after('/bin/busybox tunctl -t tap7 || /bin/busybox ip link add tap7 type dummy', (config) =>
      setNamespace(config, 'network'),
    ),
  ).start()
  t.equal(counter.ask(), 1)
  const devices = (id: string): string => scope.runtime(['exec', id, '/bin/ls', '/sys/class/net']).stdout
  t.match(devices(counter.container.id), /lo/)
  t.match(counter.checkpoint(['--empty-ns', 'network']), done)
  t.same(
    readdirSync(counter.images).filter((name) => name.startsWith('netdev')),
    [],
  )
  const id = counter.newId()
  t.match(counter.restore(id, ['-d', '--empty-ns', 'network']), done)
  t.equal(counter.ask(), 2)
})

// Where there is AppArmor, CRIU passes over the profile for who has had none.
testWithoutAppArmor('--lsm-profile reaches CRIU, which refuses what the kernel has not', (t, scope) => {
  const counter = new Counter(scope).start()
  t.match(counter.checkpoint(), done)
  const restore = (...args: string[]) => counter.restore(counter.newId(), ['-d', ...args])
  t.match(restore('--lsm-profile', 'apparmor:nothing'), { status: 1, stderr: /criu restore failed/ })
  t.match(restore('--lsm-profile', 'nonsense'), { status: 1, stderr: /lsm-profile/ })
  t.match(restore(), done)
})

test('--pre-dump and --parent-path: memory before, then what has changed; refused where the kernel does not track it', (t, scope) => {
  const tracks = scope.runner.runProgram('criu', ['check', '--feature', 'mem_dirty_track'], withCriu()).status === 0
  const counter = new Counter(scope).start()
  const first = counter.checkpoint(['--pre-dump', '--image-path', scope.path('first')])
  const missing = /CRIU on this kernel does not support --pre-dump \(memory tracking\)/
  t.match(first, tracks ? done : { status: 1, stderr: missing })
  t.equal(counter.ask(), 1)
  if (!tracks) return
  t.match(counter.checkpoint(['--parent-path', '../first']), done)
  t.equal(readlinkSync(join(counter.images, 'parent')), '../first')
  t.match(counter.restore(counter.newId(), ['-d']), done)
  t.equal(counter.ask(), 2)
})

/** Bytes on disk of the files that CRIU keeps memory in. */
const memoryIn = (images: string): number =>
  readdirSync(images)
    .filter((name) => name.startsWith('pages-'))
    .reduce((sum, name) => sum + statSync(join(images, name)).blocks * 512, 0)

testTracking('checkpoint --auto-dedup drops from the parent images what the new ones have', (t, scope) => {
  const counter = new Counter(scope).start()
  const [first, second] = [scope.path('first'), scope.path('second')]
  t.match(counter.checkpoint(['--pre-dump', '--image-path', first]), done)
  const before = memoryIn(first)
  t.equal(counter.ask(), 1)
  t.match(counter.checkpoint(['--pre-dump', '--image-path', second, '--parent-path', '../first']), done)
  t.equal(memoryIn(first), before, 'not without the option')
  const changed = memoryIn(second)
  t.equal(counter.ask(), 2)
  t.match(counter.checkpoint(['--parent-path', '../second', '--auto-dedup']), done)
  t.ok(memoryIn(second) < changed, `of ${changed} bytes ${memoryIn(second)} are left`)
  t.match(counter.restore(counter.newId(), ['-d']), done)
  t.equal(counter.ask(), 3)
})

test('restore --auto-dedup drops from the images what it has read', (t, scope) => {
  const counter = new Counter(scope).start()
  t.match(counter.checkpoint(), done)
  const before = memoryIn(counter.images)
  t.match(counter.restore(counter.newId(), ['-d', '--auto-dedup']), done)
  t.equal(counter.ask(), 1)
  const after = memoryIn(counter.images)
  t.ok(after < before, `${before} bytes of memory are ${after}`)
})

test('restore --lazy-pages: a container goes on without its memory, which criu lazy-pages hands over when it is used', async (t, scope) => {
  const counter = new Counter(scope).start()
  const { images } = counter
  t.equal(counter.ask(), 1)
  t.match(counter.checkpoint(), done)
  const without = counter.restore(counter.newId(), ['-d', '--lazy-pages'])
  t.match(without, { status: 1, stderr: /lazy-pages\.socket/ }, 'nobody has the memory')
  const args = ['lazy-pages', '--images-dir', images, '--work-dir', images, '--status-fd', '1']
  const pages = spawn('criu', args, { env: withCriu().env, stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => pages.stdout.once('data', resolve))
  t.match(counter.restore(counter.newId(), ['-d', '--lazy-pages']), done)
  t.equal(counter.ask(), 2)
  t.match(await ended(pages), { status: 0 }, 'it has handed over everything')
  t.equal(counter.ask(), 3)
})

test('restore --lazy-pages: whose criu lazy-pages hangs and then dies does not wait any longer', async (t, scope) => {
  const counter = new Counter(scope).start()
  const { images, container } = counter
  t.match(counter.checkpoint(), done)
  const args = ['lazy-pages', '--images-dir', images, '--work-dir', images, '--status-fd', '1']
  const pages = spawn('criu', args, { env: withCriu().env, stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => pages.stdout.once('data', resolve))
  pages.kill('SIGSTOP')
  const from = ['--image-path', images, '--bundle', container.bundle.path]
  const [program, ...rest] = scope.runner.commandLine(['restore', '-d', '--lazy-pages', ...from, counter.newId()])
  const log = watch(images)
  const child = spawn(program, rest, { stdio: ['ignore', 'ignore', 'pipe'], env: withCriu().env })
  const stderr = text(child.stderr)
  const waits = (): boolean => /pie: .*scheduler/.test(readFileSync(join(images, 'restore.log'), 'utf8'))
  for await (const { filename } of log) if (filename === 'restore.log' && waits()) break
  t.equal(child.exitCode, null)
  pages.kill('SIGKILL')
  const { status } = await ended(child)
  t.match({ status, stderr: await stderr }, { status: 1, stderr: /^tsrun: criu restore failed/ })
  t.equal(scope.runtime(['list', '-q']).stdout, '', 'nothing is left')
})

test('--lazy-pages: --status-fd tells when pages can be asked for, and the container goes when who asks does', async (t, scope) => {
  const counter = new Counter(scope).start()
  t.equal(counter.ask(), 1)
  const args = ['checkpoint', '--lazy-pages', '--page-server', '127.0.0.1:34567', '--status-fd', '3']
  const [program, ...rest] = scope.runner.commandLine([...args, '--image-path', counter.images, counter.container.id])
  const child = spawn(program, rest, { stdio: ['ignore', 'ignore', 'inherit', 'pipe'], env: withCriu().env })
  const ready = await new Promise<Buffer>((resolve) => child.stdio[3]?.once('data', resolve))
  t.same([...ready], [0])
  connect(34567, '127.0.0.1').end()
  t.match(await ended(child), { status: 0 })
  t.match(scope.runtime(['state', counter.container.id]), { status: 1 })
})

test('--page-server: memory goes to a server of CRIU’s', async (t, scope) => {
  const counter = new Counter(scope).start()
  const { images } = counter
  t.equal(counter.ask(), 1)
  mkdirSync(images)
  const args = ['page-server', '-D', images, '--address', '127.0.0.1', '--port', '34568', '--status-fd', '1']
  const server = spawn('criu', args, { env: withCriu().env, stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => server.stdout.once('data', resolve))
  t.match(counter.checkpoint(['--page-server', '127.0.0.1:34568', '--auto-dedup']), done)
  t.match(await ended(server), { status: 0 })
  t.match(counter.restore(counter.newId(), ['-d']), done)
  t.equal(counter.ask(), 2)
})

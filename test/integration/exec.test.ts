/** The command `exec`: which process it adds, and what it tells its caller. */
import { chmodSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { exec, probe, running, sleeper } from '../helpers/exec.js'
import { processesWith } from '../helpers/leaks.js'
import { awaitProcess } from '../helpers/peer.js'
import { parseReport, tried } from '../helpers/probe.js'
import { ended, Lines } from '../helpers/runtime.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

/** The file for --process. */
function processFile(scope: Scope, process: object): string {
  const path = scope.path('process.json')
  writeFileSync(path, JSON.stringify({ cwd: '/', ...process }))
  return path
}

test('a process is added to the namespaces, the root and the cgroups of the container', (t, scope) => {
  const container = running(scope)
  const init = container.state().pid
  const report = probe(scope, container, [], 'list /', 'link /proc/1/ns/mnt', 'read /proc/1/cgroup')
  for (const type of ['pid', 'mnt', 'ipc', 'uts', 'net', 'user', 'cgroup'] as const) {
    const inside = exec(scope, container.id, '/bin/readlink', `/proc/1/ns/${type}`).stdout.trim()
    t.equal(report.namespaces[type], inside, type)
  }
  t.same(tried(report, 'list /').entries?.toSorted(), ['bin', 'dev', 'etc', 'probe', 'proc', 'root', 'sys', 'tmp'])
  t.same(report.cgroups, tried(report, 'read /proc/1/cgroup').text?.trimEnd().split('\n'))
  t.equal(report.sid, report.pid, 'a session of its own')
  t.equal(report.ppid, 0, 'its parent is outside')
  t.ok(init > 0)
})

test('it has just the descriptors 0, 1 and 2, no parent death signal, and a clean signal mask', (t, scope) => {
  const report = probe(scope, running(scope))
  t.same(Object.keys(report.fds).toSorted(), ['0', '1', '2'])
  t.equal(report.parentDeathSignal, 0)
  t.match(report.status.SigBlk, /^0+$/)
  t.match(report.status.SigIgn, /^0+$/)
})

test('user, groups, working directory, environment and capabilities come from the options', (t, scope) => {
  const container = running(scope, ({ process }) => {
    process.env = ['PATH=/bin', 'COLOUR=red', 'SHAPE=round']
    process.capabilities = { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'] }
  })
  const flags = [
    '-u',
    '0:7',
    '-g',
    '8',
    '-g',
    '9',
    '--cwd',
    '/tmp',
    '-e',
    'COLOUR=blue',
    '-e',
    'X=a=b',
    '-c',
    'CAP_CHOWN',
  ]
  const report = probe(scope, container, flags)
  t.same(report.uids.slice(0, 3), [0, 0, 0])
  t.same(report.gids.slice(0, 3), [7, 7, 7])
  t.same(report.groups.toSorted(), [8, 9])
  t.equal(report.cwd, '/tmp')
  t.same(report.env.toSorted(), ['COLOUR=blue', 'HOME=/', 'PATH=/bin', 'SHAPE=round', 'X=a=b'])
  t.match(report.status.CapEff, /0{14}21$/)
  t.match(report.status.CapPrm, /0{14}21$/)
  t.match(report.status.CapBnd, /0{14}21$/)
})

test('another user than root has no capabilities left, and is that user alone', (t, scope) => {
  const report = probe(scope, running(scope), ['--user', '1000:1001'])
  t.same(report.uids, [1000, 1000, 1000, 1000].slice(0, report.uids.length))
  t.same(report.gids, [1001, 1001, 1001, 1001].slice(0, report.gids.length))
  t.match(report.status.CapEff, /^0+$/)
})

test(
  '--process gives the whole process, and what it leaves out is the container’s',
  (t, scope) => {
    const container = running(scope, ({ process }) => {
      process.capabilities = { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'] }
      process.rlimits = [{ type: 'RLIMIT_CORE', soft: 11, hard: 12 }]
      process.noNewPrivileges = true
    })
    const file = processFile(scope, { args: ['/probe'], env: ['ONLY=this'], cwd: '/tmp', user: { uid: 5, gid: 6 } })
    const { status, stdout, stderr } = exec(scope, '--process', file, container.id)
    t.equal(status, 0, stderr)
    const report = parseReport(stdout)
    t.same(report.env.toSorted(), ['HOME=/', 'ONLY=this'])
    t.same([report.uids[0], report.gids[0], report.cwd], [5, 6, '/tmp'])
    t.match(report.status.CapBnd, /0{14}20$/)
    t.same(report.rlimits[4], { soft: '11', hard: '12' })
    t.equal(report.status.NoNewPrivs, '1')
  },
  { needs: ['tsrun'] },
)

test(
  'a process that is not one is refused with all that is wrong with it',
  (t, scope) => {
    const container = running(scope)
    const file = processFile(scope, { args: [], cwd: 'tmp', user: { uid: -1 } })
    const { status, stderr } = exec(scope, '--process', file, container.id)
    t.equal(status, 255)
    t.match(stderr, /^tsrun: invalid process: .*\/args: must not be empty/)
    t.match(stderr, '/user/uid')
    t.equal(stderr.trimEnd().split('\n').length, 1)
  },
  { needs: ['tsrun'] },
)

test('exit status and signal of the process are passed on', (t, scope) => {
  const container = running(scope)
  t.equal(exec(scope, container.id, '/bin/sh', '-c', 'exit 7').status, 7)
  t.equal(exec(scope, container.id, '/bin/false').status, 1)
  t.equal(exec(scope, container.id, '/bin/sh', '-c', 'kill -KILL $$').status, 137)
  t.equal(exec(scope, container.id, '/bin/sh', '-c', 'kill -TERM $$').status, 143)
})

test('a failure of the runtime is status 255 and one line, and leaves no pid file', (t, scope) => {
  const container = running(scope)
  const pidFile = scope.path('pid')
  const cases: [string[], RegExp][] = [
    [[container.id, 'nothing'], /executable file not found in \$PATH/],
    [[container.id, '/nothing'], /no such file or directory/],
    [[container.id, '/etc'], /is a directory|permission denied/],
    [['--cwd', '/nothing', container.id, '/probe'], /no such file or directory/],
    [['--cwd', 'tmp', container.id, '/probe'], /absolute/],
  ]
  for (const [args, words] of cases) {
    const { status, stderr } = exec(scope, '--pid-file', pidFile, '--detach', ...args)
    t.equal(status, 255, args.join(' '))
    t.match(stderr, words)
    t.equal(stderr.trimEnd().split('\n').length, 1)
    // Engines put words of their own before these, which come once from who failed in the container.
    t.equal(stderr.split('error during container init').length - 1, args.includes('tmp') ? 0 : 1, stderr)
    t.notOk(existsSync(pidFile), 'no pid file')
  }
  t.same(processesWith(scope.word).length, 1, 'only the container itself is left')
})

test('a container that does not exist, has stopped or is being made takes no process', (t, scope) => {
  const container = running(scope)
  t.equal(exec(scope, 'nobody', '/probe').status, 255)
  t.match(exec(scope, 'nobody', '/probe').stderr, /does not exist/)
  container.kill('KILL')
  container.awaitEnd()
  const { status, stderr } = exec(scope, container.id, '/probe')
  t.equal(status, 255)
  t.match(stderr, /cannot exec in a stopped container|container .* is not running|cannot exec in a stopped/)
})

test('a created container takes a process before it is started', (t, scope) => {
  const container = scope.container(sleeper)
  t.equal(container.create().status, 0)
  t.equal(probe(scope, container).cwd, '/')
  t.equal(container.state().status, 'created')
  t.equal(container.start().status, 0)
})

test('--detach returns when the process runs, with its pid in the pid file without a newline', (t, scope) => {
  const container = running(scope)
  const pidFile = scope.path('pid')
  const { status, stdout, stderr } = exec(scope, '-d', '--pid-file', pidFile, container.id, '/bin/sleep', '1000')
  t.same({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' })
  const text = readFileSync(pidFile, 'utf8')
  t.match(text, /^\d+$/)
  t.equal(readFileSync(`/proc/${text}/comm`, 'utf8'), 'sleep\n', 'its program is executed already')
  process.kill(Number(text), 'SIGKILL')
  awaitProcess(Number(text))
})

test('signals to the runtime in the foreground reach the process', async (t, scope) => {
  const container = running(scope)
  const SIGTERM = '15'
  const child = scope.runner.spawn(['exec', container.id, '/probe', 'signal', SIGTERM])
  const lines = new Lines(child.stdout)
  while ((await lines.next()) !== 'ready');
  child.kill('SIGTERM')
  t.match(await lines.next(), /^signal 15,/)
  t.same(await ended(child), { status: 0, signal: null })
})

test('--preserve-fds passes further descriptors on', (t, scope) => {
  const container = running(scope)
  writeFileSync(scope.path('kept'), 'kept')
  const { status, stdout, stderr } = scope.runtime(
    ['exec', '--preserve-fds', '1', container.id, '/bin/sh', '-c', 'cat <&3'],
    {
      descriptors: [openSync(scope.path('kept'), 'r')],
    },
  )
  t.same({ status, stdout, stderr }, { status: 0, stdout: 'kept', stderr: '' })
})

test('a hundred processes at once in one container leave no zombie and nothing else', async (t, scope) => {
  const container = running(scope)
  const results = await Promise.all(
    Array.from({ length: 100 }, (_, index) => {
      const child = scope.runner.spawn(['exec', container.id, '/bin/sh', '-c', `exit ${index % 50}`])
      return ended(child)
    }),
  )
  t.same(
    results.map(({ status }) => status),
    results.map((_, index) => index % 50),
  )
  const { stdout } = exec(scope, container.id, '/bin/sh', '-c', 'for i in /proc/[0-9]*; do cat $i/comm; done')
  t.same(stdout.split('\n').filter(Boolean).toSorted(), ['sh', 'sleep'])
})

test('--no-subreaper is taken as from callers of runc: an orphan goes to the container’s init', (t, scope) => {
  const container = running(scope)
  const script = '(sleep 1000 & echo $! > /orphan)'
  t.match(exec(scope, '-no-subreaper', container.id, '/bin/sh', '-c', script), { status: 0, stderr: '' })
  const { stdout } = exec(scope, container.id, '/bin/sh', '-c', 'grep PPid /proc/$(cat /orphan)/status')
  t.equal(stdout, 'PPid:\t1\n')
})

test(
  'in a user namespace the process has the ids of the container',
  (t, scope) => {
    chmodSync(scope.folder, 0o755)
    const container = running(scope, (config) => {
      config.linux.namespaces.push({ type: 'user' })
      // Needs a network namespace of the same owner.
      config.mounts = config.mounts.filter(({ type }) => type !== 'sysfs')
      config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 2000 }]
      config.linux.gidMappings = [{ containerID: 0, hostID: 200_000, size: 2000 }]
    })
    const pidFile = scope.path('pid')
    const args = ['-d', '--pid-file', pidFile, '-u', '5:6', '-g', '7', container.id, '/bin/sleep', '1000']
    t.equal(exec(scope, ...args).status, 0)
    const pid = Number(readFileSync(pidFile, 'utf8'))
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    t.match(status, /^Uid:\t100005\t/m)
    t.match(status, /^Gid:\t200006\t/m)
    t.match(status, /^Groups:\t200007 $/m)
    process.kill(pid, 'SIGKILL')
    awaitProcess(pid)
    t.equal(probe(scope, container).uids[0], 0)
  },
  { needs: ['user-namespaces'] },
)

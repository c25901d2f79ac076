/** Commands: kill and delete. */
import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import { runOnlyV1 } from '../helpers/cgroup.js'
import { processesWith } from '../helpers/leaks.js'
import { dropNamespace, type Change } from '../helpers/config.js'
import { awaitProcess, Peer } from '../helpers/peer.js'
import { Lines } from '../helpers/runtime.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

const waits: Change = (config) => {
  config.process.args = ['/probe', 'wait']
}

/** The next signal that the probe reports. Go's scheduler sends its own process SIGURG (23), which runc forwards. */
async function nextSignal(lines: Lines): Promise<number> {
  for (;;) {
    const number = Number(await lines.next())
    if (number !== 23) return number
  }
}

test('kill sends a signal by number, name, and SIG name in any case; TERM when none is named', async (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'signals']
  })
  const child = container.spawn('run')
  const lines = new Lines(child.stdout)
  t.match(await lines.next(), /^\{/)
  t.equal(await lines.next(), 'ready')
  const numbers = { '10': 10, USR2: 12, SIGHUP: 1, sigwinch: 28, int: 2 }
  for (const [given, number] of Object.entries(numbers)) {
    t.equal(container.kill(given).status, 0)
    t.equal(await nextSignal(lines), number, given)
  }
  t.equal(scope.runtime(['kill', container.id]).status, 0)
  t.equal(await nextSignal(lines), 15)
})

test(
  'kill takes real-time signals by name',
  async (t, scope) => {
    const container = scope.container((config) => {
      config.process.args = ['/probe', 'signals']
    })
    const lines = new Lines(container.spawn('run').stdout)
    await lines.next()
    await lines.next()
    for (const [given, number] of [
      ['SIGRTMIN+3', '37'],
      ['rtmax', '64'],
    ] as const) {
      t.equal(container.kill(given).status, 0)
      t.equal(await lines.next(), number, given)
    }
    container.kill('TERM')
    await lines.next()
  },
  { needs: ['tsrun'] },
)

test('kill of an unknown signal does nothing', (t, scope) => {
  const container = scope.container(waits)
  container.run(['--detach'])
  t.match(container.kill('NOSUCH'), { status: 1, stderr: /unknown signal/ })
  t.equal(container.state().status, 'running')
})

test('kill of a stopped or an unknown container is an error; with --all a stopped one is not', (t, scope) => {
  const container = scope.container()
  container.complete()
  t.match(container.kill('KILL'), { status: 1, stderr: /container not running/ })
  t.equal(container.kill('KILL', ['--all']).status, 0)
  t.match(scope.runtime(['kill', scope.newId(), 'KILL']), { status: 1, stderr: /does not exist/ })
})

test('kill --all reaches every process of the container', (t, scope) => {
  const container = scope.container((config) => {
    dropNamespace(config, 'pid')
    config.process.args = ['/bin/sh', '-c', 'mkfifo /f; cat < /f & cat < /f & echo > /ready; cat < /f']
  })
  const ready = container.fifo('ready')
  container.run(['--detach'])
  ready.read()
  const processes = processesWith(container.id)
  t.equal(processes.length, 3)
  t.equal(container.kill('KILL', ['--all']).status, 0)
  for (const { pid } of processes) awaitProcess(pid)
  t.same(processesWith(container.id), [])
})

test('delete of a running container is refused and leaves it running', (t, scope) => {
  const container = scope.container(waits)
  container.run(['--detach'])
  t.match(container.delete(), { status: 1, stderr: /cannot delete container .* that is not stopped: running/ })
  t.equal(container.state().status, 'running')
  t.equal(container.delete(['--force']).status, 0)
  t.same(scope.leftovers(), [])
})

test('delete removes a created container and ends its init', (t, scope) => {
  const container = scope.container()
  container.create()
  const { pid } = container.state()
  t.equal(container.delete().status, 0)
  awaitProcess(pid)
  t.same(scope.leftovers(), [])
})

test('delete of an unknown container is an error, with --force it is not', (t, scope) => {
  const id = scope.newId()
  t.match(scope.runtime(['delete', id]), { status: 1, stdout: '', stderr: /does not exist/ })
  t.match(scope.runtime(['delete', '--force', id]), { status: 0, stderr: '' })
})

test('delete ends processes that a shared pid namespace has left over', (t, scope) => {
  const container = scope.container((config) => {
    dropNamespace(config, 'pid')
    config.process.args = ['/bin/sh', '-c', 'sleep 1000 & exit 0']
  })
  container.create()
  container.start()
  container.awaitEnd()
  t.equal(processesWith(container.id).length, 1)
  t.equal(container.delete(['--force']).status, 0)
  t.same(scope.leftovers(), [])
})

test('SIGKILL to init ends all processes of the container’s pid namespace', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/bin/sh', '-c', 'sleep 1000 & echo > /ready; exec sleep 1001']
  })
  const ready = container.fifo('ready')
  container.run(['--detach'])
  ready.read()
  const { pid } = container.state()
  t.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^NSpid:\s+\d+\s+1$/m)
  container.kill('KILL')
  container.awaitEnd()
  t.same(processesWith(container.id), [])
})

/** Four processes that start a long sleep, kill it, and so on: a sleep whose parent is killed would stay. */
const breeds: Change = (config) => {
  const forks = 'while :; do sleep 1000 & kill -9 $!; wait $!; done >/dev/null 2>&1'
  const script = `for each in 1 2 3 4; do ${forks} & done; sleep 1000`
  config.process.args = ['/bin/sh', '-c', script]
  config.linux.resources = { pids: { limit: 100 } }
  dropNamespace(config, 'pid')
}

for (const [title, end, how] of [
  ['kill --all KILL ends processes that fork without end', ['kill', '--all'], ['KILL']],
  ['delete --force ends processes that fork without end', ['delete', '--force'], []],
  ['on cgroup v1 alone too, kill --all ends processes that fork without end', ['kill', '--all'], ['KILL']],
  ['on cgroup v1 alone too, delete --force ends processes that fork without end', ['delete', '--force'], []],
] as const) {
  const onlyV1 = title.startsWith('on cgroup v1')
  const body = (t: Test, scope: Scope): void => {
    const container = scope.container(breeds)
    const run = ['run', '--detach', '--bundle', container.bundle.path, container.id]
    t.equal((onlyV1 ? runOnlyV1(scope, run) : scope.runtime(run)).status, 0)
    const pids = (): number[] | null => JSON.parse(scope.runtime(['ps', '-f', 'json', container.id]).stdout) as null
    while ((pids()?.length ?? 0) < 5);
    t.equal(scope.runtime([...end, container.id, ...how]).status, 0)
    if (end[0] === 'delete') return
    container.awaitEnd()
    // They die after init, each in its own time; what is waited for here can't have been joined by others.
    for (const pid of pids() ?? []) awaitProcess(pid)
    t.equal(pids(), null, 'none is left in the cgroup')
  }
  test(title, body, { needs: onlyV1 ? ['tsrun', 'cgroup-unified', 'cgroup-v1'] : [] })
}

test('KILL of a container without a pid namespace of its own succeeds each time, as its cgroup is killed first', (t, scope) => {
  for (let round = 0; round < 20; round++) {
    const container = scope.container((config) => {
      config.process.args = ['/bin/sleep', '1000']
      dropNamespace(config, 'pid')
    })
    t.equal(container.run(['--detach']).status, 0)
    t.match(container.kill('KILL'), { status: 0, stderr: '' })
    container.awaitEnd()
    t.match(container.kill('KILL'), { status: 1, stderr: /not running/ })
    t.equal(container.delete().status, 0)
  }
})

test('in a shared pid namespace SIGKILL ends all, with init alive and after its end', (t, scope) => {
  for (const program of ['sleep 1000 & exec sleep 1000', 'sleep 1000 &']) {
    const container = scope.container((config) => {
      dropNamespace(config, 'pid')
      config.process.args = ['/bin/sh', '-c', program]
    })
    t.equal(container.run(['--detach']).status, 0)
    if (program.endsWith('&')) container.awaitEnd()
    t.match(container.kill('KILL'), { status: 0, stderr: '' }, program)
    for (const { pid } of processesWith(container.id)) awaitProcess(pid)
    t.same(processesWith(container.id), [], program)
    t.match(container.kill('KILL'), { status: 1, stderr: /container not running/ })
    t.equal(container.delete().status, 0)
  }
})

test('what asks a program to end ends a container that is only created', (t, scope) => {
  for (const signal of ['TERM', 'INT', 'HUP', 'QUIT']) {
    const container = scope.container()
    t.equal(container.create().status, 0)
    t.match(container.kill(signal), { status: 0, stderr: '' })
    container.awaitEnd()
    t.equal(container.state().status, 'stopped', signal)
    t.match(container.start(), { status: 1, stderr: /cannot start a container that has stopped/ })
    t.equal(container.delete().status, 0)
  }
})

test('an init that cannot end, as a zombie of another parent is in its pid namespace, is named in time and deleted later', async (t, scope) => {
  const container = scope.container((config) => (config.process.args = ['/bin/sleep', '1000']))
  t.equal(container.run(['--detach']).status, 0)
  const { pid } = container.state()
  const added = ['exec', '--detach', container.id, '/bin/sleep', '1000']
  const parent = await Peer.listen('neglect', ...scope.runner.commandLine(added))
  try {
    const begun = Date.now()
    const { status, stderr } = container.delete(['--force'])
    t.equal(status, 1)
    t.match(
      stderr,
      new RegExp(`10 s after SIGKILL its init process is still there: ${pid} .* until .*peer.* reaps its child`),
    )
    t.ok(Date.now() - begun < 25_000, 'its limit is 10 s')
  } finally {
    parent.stop()
  }
  awaitProcess(pid)
  t.match(container.delete(['--force']), { status: 0, stderr: '' })
})

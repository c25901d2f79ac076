/** Commands: state and list. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ended } from '../helpers/runtime.js'
import { stoppedHook } from '../helpers/stopped-hook.js'
import { test } from '../helpers/test.js'
import type { State } from '../helpers/container.js'

test('state is a JSON object with the members of the spec, and nothing on stderr', (t, scope) => {
  const container = scope.container((config) => {
    config.annotations = { 'org.example.key': 'value' }
  })
  container.create()
  const { stdout, stderr } = scope.runtime(['state', container.id])
  t.equal(stderr, '')
  t.ok(stdout.endsWith('}'), 'no newline at its end')
  const state = JSON.parse(stdout) as State
  t.match(state, {
    ociVersion: /^1\.\d+\.\d+/,
    id: container.id,
    status: 'created',
    bundle: container.bundle.path,
    rootfs: container.bundle.rootfs,
    annotations: { 'org.example.key': 'value' },
  })
  t.match(state.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
  t.type(state.owner, 'string')
  t.same(Object.keys(state), [
    ...['ociVersion', 'id', 'pid', 'status', 'bundle', 'rootfs', 'created', 'annotations', 'owner'],
  ])
})

test('the status is creating until create is done with everything, also that of run', async (t, scope) => {
  for (const command of ['create', 'run'] as const) {
    for (const kind of ['createRuntime', 'createContainer'] as const) {
      const stop = stoppedHook(scope)
      const container = scope.container((config) => {
        config.process.args = ['/bin/true']
        config.hooks = { [kind]: [stop.hook] }
      })
      const child = container.spawn(command)
      stop.reached()
      t.equal(container.state().status, 'creating', `${command} in ${kind}`)
      t.match(container.start(), { status: 1, stderr: /cannot start a container in the creating state/ })
      t.match(container.delete(), { status: 1, stderr: /cannot delete .* creating/ })
      stop.release()
      t.same(await ended(child), { status: 0, signal: null })
    }
  }
})

test('a stopped container has pid 0', (t, scope) => {
  const container = scope.container()
  container.complete()
  t.match(container.state(), { status: 'stopped', pid: 0 })
})

test('state of an unknown container is an error', (t, scope) => {
  t.match(scope.runtime(['state', scope.newId()]), { status: 1, stdout: '', stderr: /does not exist/ })
})

test('list shows every container of the root as a table, as ids and as JSON', (t, scope) => {
  const created = scope.container()
  const running = scope.container((config) => {
    config.process.args = ['/probe', 'wait']
  })
  const stopped = scope.container()
  created.create()
  running.run(['--detach'])
  stopped.complete()
  const rows = scope
    .runtime(['list'])
    .stdout.trimEnd()
    .split('\n')
    .map((row) => row.split(/ {2,}/))
  t.same(
    rows[0]?.map((word) => word.trim()),
    ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'],
  )
  const shown = rows.slice(1).map(([id, pid, status]) => [id, Number(pid), status])
  t.same(shown, [
    [created.id, created.state().pid, 'created'],
    [running.id, running.state().pid, 'running'],
    [stopped.id, 0, 'stopped'],
  ])
  const ids = [created.id, running.id, stopped.id]
  t.equal(scope.runtime(['list', '-q']).stdout, ids.map((id) => `${id}\n`).join(''))
  const list = JSON.parse(scope.runtime(['list', '--format', 'json']).stdout) as State[]
  t.same(
    list.map(({ id, status }) => [id, status]),
    [
      [created.id, 'created'],
      [running.id, 'running'],
      [stopped.id, 'stopped'],
    ],
  )
})

test('list of a root without containers is a header, nothing, or null', (t, scope) => {
  t.match(scope.runtime(['list']).stdout, /^ID +PID +STATUS +BUNDLE +CREATED +OWNER\n$/)
  t.equal(scope.runtime(['list', '--quiet']).stdout, '')
  t.equal(scope.runtime(['list', '-f', 'json']).stdout, 'null\n')
})

test('list names a broken state directory on stderr and shows the others', (t, scope) => {
  const container = scope.container()
  container.create()
  const broken = scope.newId()
  const directory = join(scope.root, broken)
  mkdirSync(directory)
  writeFileSync(join(directory, 'state.json'), '{"version":')
  const { status, stdout, stderr } = scope.runtime(['list', '-q'])
  rmSync(directory, { recursive: true })
  t.equal(status, 0)
  t.equal(stdout, `${container.id}\n`)
  t.match(stderr, broken)
})

test(
  'list leaves out what somebody is just making or removing, and names what nobody is',
  (t, scope) => {
    scope.container().create()
    const directory = join(scope.root, scope.newId())
    mkdirSync(directory)
    t.match(scope.runtime(['list', '-q']), { status: 0, stderr: /load container .* does not exist/ })
    const { status, stderr } = scope.runner.runProgram('flock', [
      directory,
      ...scope.runner.commandLine(['list', '-q']),
    ])
    rmSync(directory, { recursive: true })
    t.same({ status, stderr }, { status: 0, stderr: '' })
    const file = join(scope.root, 'log.json')
    writeFileSync(file, '')
    t.match(scope.runtime(['list', '-q']), { status: 0, stderr: /load container log\.json: / })
    rmSync(file)
  },
  { needs: ['tsrun'] },
)

test('list of a root that does not exist is an error when it was named', (t, scope) => {
  const { status, stderr } = scope.runtime(['list'], { globals: ['--root', scope.path('nowhere')] })
  t.equal(status, 1)
  t.match(stderr, /no such file or directory/)
})

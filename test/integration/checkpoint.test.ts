/** Commands: checkpoint and restore, by CRIU. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Counter, withCriu } from '../helpers/checkpoint.js'
import type { State } from '../helpers/container.js'
import { test, testWith } from '../helpers/test.js'

const testCriu = testWith('tsrun', 'criu')
const done = { status: 0, stderr: '' }

testCriu(
  'a container is written to files and gone, and goes on from them with another id in its own cgroup',
  (t, scope) => {
    const counter = new Counter(scope).start()
    const { container, images } = counter
    const [work, pidFile] = [scope.path('work'), scope.path('pid')]
    t.equal(counter.ask(), 1)
    t.match(counter.checkpoint(['--work-path', work]), done)
    // The memory of the container is in there.
    for (const made of [images, work]) t.equal(statSync(made).mode & 0o777, 0o700)
    t.match(scope.runtime(['state', container.id]), { status: 1, stderr: /does not exist/ })
    t.equal((JSON.parse(readFileSync(join(images, 'descriptors.json'), 'utf8')) as string[]).length, 3)
    t.ok(existsSync(join(work, 'dump.log')))
    const id = counter.newId()
    t.match(counter.restore(id, ['-d', '--pid-file', pidFile, '--work-path', work]), done)
    const state = JSON.parse(scope.runtime(['state', id]).stdout) as State
    t.equal(state.status, 'running')
    t.equal(readFileSync(pidFile, 'utf8'), String(state.pid))
    t.match(readFileSync(`/proc/${state.pid}/cgroup`, 'utf8'), new RegExp(`/${id}$`, 'm'))
    t.equal(counter.ask(), 2)
    t.match(scope.runtime(['exec', id, '/probe', 'exit', '7']), { status: 7 })
    t.match(scope.runtime(['kill', id, 'KILL']), done)
    t.match(scope.runtime(['delete', '--force', id]), done)
  },
)

testCriu('what was restored is written to files and restored again, also by its first id', (t, scope) => {
  const counter = new Counter(scope).start()
  const ids = [counter.container.id, counter.newId(), counter.container.id, counter.newId()]
  for (const [at, id] of ids.entries()) {
    if (at > 0) t.match(counter.restore(id, ['-d']), done)
    t.equal(counter.ask(), at + 1)
    t.match(counter.checkpoint([], id), done)
    t.match(scope.runtime(['state', id]), { status: 1 })
  }
})

testCriu('a container runs on after --leave-running, and so does its copy once it has gone', (t, scope) => {
  const counter = new Counter(scope).start()
  t.match(counter.checkpoint(['--leave-running']), done)
  t.equal(counter.container.state().status, 'running')
  t.equal(counter.ask(), 1)
  t.equal(counter.ask(), 2)
  t.match(counter.container.delete(['--force']), done)
  t.match(counter.restore(counter.newId(), ['-d']), done)
  t.equal(counter.ask(), 1, 'it knows nothing of what came after')
})

testCriu(
  'a paused container is written to files, stays paused with --leave-running, and is not paused when restored',
  (t, scope) => {
    const counter = new Counter(scope).start()
    const { id } = counter.container
    t.match(scope.runtime(['pause', id]), done)
    t.match(counter.checkpoint(['--leave-running']), done)
    t.equal(counter.container.state().status, 'paused')
    t.match(counter.checkpoint(), done)
    t.match(counter.restore(id, ['-d']), done)
    t.equal(counter.container.state().status, 'running')
    t.equal(counter.ask(), 1)
  },
)

testCriu(
  'after a failed checkpoint the container runs on, CRIU’s reason is told, and nothing is left but the log',
  (t, scope) => {
    const counter = new Counter(scope)
    t.match(counter.container.run(['--detach']), done)
    const { status, stderr } = counter.checkpoint()
    t.equal(status, 1)
    // The streams of this one are files of the host, which CRIU cannot find again.
    t.match(stderr, /^tsrun: criu dump failed: Can't lookup mount=\d+ for fd=\d path=.*dump\.log\)\n$/)
    t.same(readdirSync(counter.images), ['dump.log'])
    t.equal(counter.container.state().status, 'running')
    t.equal(counter.ask(), 1)
    t.match(counter.restore(counter.newId(), ['-d']), { status: 1, stderr: /there is no checkpoint in/ })
    t.match(scope.runtime(['list', '-q']).stdout, new RegExp(`^${counter.container.id}\n$`))
  },
)

testCriu('options that mean nothing are refused by their name, and the container runs on', (t, scope) => {
  const counter = new Counter(scope).start()
  const refused = (args: string[], stderr: RegExp): void => {
    t.match(counter.checkpoint(args), { status: 1, stderr })
  }
  refused(['--manage-cgroups-mode', 'x'], /invalid manage-cgroups-mode "x"/)
  refused(['--empty-ns', 'uts'], /invalid empty-ns "uts"/)
  refused(['--parent-path', '/x'], /--parent-path must be relative/)
  refused(['--parent-path', 'x'], /--parent-path "x" is no directory/)
  refused(['--status-fd', '3'], /--status-fd is of no use without --lazy-pages/)
  refused(['--status-fd', '3', '--lazy-pages'], /invalid status-fd 3: it is not open/)
  refused(['--page-server', 'x'], /invalid page-server "x"/)
  refused(['--pre-dump', '--lazy-pages'], /exclude each other/)
  t.equal(counter.ask(), 1)
  t.match(counter.restore(counter.newId(), ['--no-pivot']), { status: 1, stderr: /--no-pivot is not possible/ })
})

testCriu('features tells that there is CRIU', (t, scope) => {
  const { stdout } = scope.runtime(['features'], withCriu())
  t.match(stdout, /"org\.opencontainers\.runc\.checkpoint\.enabled": "true"/)
})

testCriu('org.criu.config names a file of settings that overrule the command line', (t, scope) => {
  const settings = scope.path('criu.conf')
  writeFileSync(settings, 'log-file settings.log\n')
  const counter = new Counter(scope, (config) => void (config.annotations = { 'org.criu.config': settings })).start()
  t.match(counter.checkpoint(['--leave-running']), done)
  t.ok(existsSync(join(counter.images, 'settings.log')))
  t.notOk(existsSync(join(counter.images, 'dump.log')))
})

testCriu('a created container cannot be written to files', (t, scope) => {
  const counter = new Counter(scope)
  counter.container.create()
  t.match(counter.checkpoint(), { status: 1, stderr: /cannot checkpoint a container in the created state/ })
  t.notOk(existsSync(counter.images))
})

test(
  'without CRIU there is one clear error, and help all the same',
  (t, scope) => {
    const counter = new Counter(scope).start()
    const [images, env] = [scope.path('images'), { PATH: '/nowhere' }]
    t.match(scope.runtime(['checkpoint', '--image-path', images, counter.container.id], { env }), {
      ...{ status: 1, stderr: /there is no program "criu" in the PATH/ },
    })
    t.notOk(existsSync(images))
    t.equal(counter.ask(), 1)
    t.match(scope.runtime(['checkpoint', '--help'], { env }), { status: 0, stdout: /--pre-dump/ })
    t.match(scope.runtime(['features']).stdout, /"org\.opencontainers\.runc\.checkpoint\.enabled": "false"/)
  },
  { needs: ['tsrun', 'no-criu'] },
)

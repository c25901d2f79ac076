/** Commands: checkpoint and restore, by CRIU. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Change } from '../helpers/config.js'
import type { Container } from '../helpers/container.js'
import { criuPath } from '../helpers/requires.js'
import { ended, Lines } from '../helpers/runtime.js'
import { test } from '../helpers/test.js'

const waits: Change = (config) => {
  config.process.args = ['/probe', 'signals']
}

const withCriu = () => ({ env: { PATH: criuPath() ?? '' } })
const needs = ['tsrun', 'root', 'criu'] as const

/** CRIU cannot restore streams that are files of the host, which those of other tests are: these are pipes. */
async function running(container: Container): Promise<ReturnType<Container['spawn']>> {
  const child = container.spawn('run')
  const lines = new Lines(child.stdout)
  await lines.next()
  await lines.next()
  return child
}

interface State {
  readonly status: string
  readonly pid: number
}

test(
  'a container is written to files and gone, and goes on from them with another id in its own cgroup',
  async (t, scope) => {
    const container = scope.container(waits)
    const child = await running(container)
    const [images, work, pidFile] = [scope.path('images'), scope.path('work'), scope.path('pid')]
    const directories = ['--image-path', images, '--work-path', work]
    t.match(scope.runtime(['checkpoint', ...directories, container.id], withCriu()), { status: 0, stderr: '' })
    await ended(child)
    t.match(scope.runtime(['state', container.id]), { status: 1, stderr: /does not exist/ })
    t.equal((JSON.parse(readFileSync(join(images, 'descriptors.json'), 'utf8')) as string[]).length, 3)
    t.ok(existsSync(join(work, 'dump.log')))
    const id = `${container.id}-again`
    scope.defer(() => void scope.runtime(['delete', '--force', id]))
    const { path: directory } = container.bundle
    const args = ['restore', '-d', '--pid-file', pidFile, '--bundle', directory, ...directories, id]
    t.match(scope.runtime(args, withCriu()), { status: 0, stderr: '' })
    const state = JSON.parse(scope.runtime(['state', id]).stdout) as State
    t.equal(state.status, 'running')
    t.equal(readFileSync(pidFile, 'utf8'), String(state.pid))
    t.match(readFileSync(`/proc/${state.pid}/cgroup`, 'utf8'), new RegExp(`/${id}$`, 'm'))
    t.match(scope.runtime(['exec', id, '/probe', 'exit', '7']), { status: 7 })
    t.match(scope.runtime(['kill', id, 'KILL']), { status: 0 })
    t.match(scope.runtime(['delete', '--force', id]), { status: 0 })
  },
  { needs },
)

test(
  'a container runs on after --leave-running, and every option reaches CRIU or is refused by its name',
  async (t, scope) => {
    const container = scope.container(waits)
    const child = await running(container)
    const checkpoint = (...args: string[]) =>
      scope.runtime(
        ['checkpoint', '--leave-running', '--image-path', scope.path('images'), ...args, container.id],
        withCriu(),
      )
    t.match(checkpoint('--tcp-established', '--tcp-skip-in-flight', '--ext-unix-sk', '--shell-job'), {
      status: 0,
      stderr: '',
    })
    t.match(checkpoint('--file-locks', '--link-remap', '--auto-dedup', '--empty-ns', 'network'), {
      status: 0,
      stderr: '',
    })
    for (const mode of ['soft', 'full', 'strict', 'ignore'])
      t.match(checkpoint('--manage-cgroups-mode', mode), { status: 0 })
    t.equal(container.state().status, 'running')
    t.match(checkpoint('--manage-cgroups-mode', 'x'), { status: 1, stderr: /invalid manage-cgroups-mode "x"/ })
    t.match(checkpoint('--empty-ns', 'uts'), { status: 1, stderr: /invalid empty-ns "uts"/ })
    t.match(checkpoint('--parent-path', '/x'), { status: 1, stderr: /--parent-path must be relative/ })
    t.match(checkpoint('--status-fd', '3'), { status: 1, stderr: /--status-fd is of no use without --lazy-pages/ })
    t.match(checkpoint('--page-server', 'x'), { status: 1, stderr: /invalid page-server "x"/ })
    const nowhere = ['restore', '--image-path', scope.path('none'), '--bundle', container.bundle.path]
    container.kill('KILL')
    await ended(child)
    t.match(scope.runtime([...nowhere, '--no-pivot', 'other']), { status: 1, stderr: /--no-pivot is not possible/ })
  },
  { needs },
)

test(
  'without CRIU, and of a container that does not run, there is one clear error',
  (t, scope) => {
    const container = scope.container(waits)
    container.create()
    const args = ['checkpoint', '--image-path', scope.path('images'), container.id]
    t.match(scope.runtime(args), { status: 1, stderr: /cannot checkpoint a container in the created state/ })
    container.start()
    t.match(scope.runtime(args, { env: { PATH: '/nowhere' } }), {
      status: 1,
      stderr: /there is no program "criu" in the PATH/,
    })
    t.equal(container.state().status, 'running')
    t.match(scope.runtime(['checkpoint', '--help']), { status: 0, stdout: /--pre-dump/ })
  },
  { needs: ['tsrun', 'root'] },
)

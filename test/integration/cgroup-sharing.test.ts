/** Cgroups that others use too: several containers at once in one, frozen ones, covered hierarchies, and one with processes above. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { unifiedMount } from '../helpers/cgroups.js'
import { cgroupMounts } from '../helpers/leaks.js'
import { runtimeCommand } from '../helpers/requires.js'
import { ended } from '../helpers/runtime.js'
import { test } from '../helpers/test.js'

test(
  'of eight containers that are made at once in one cgroup each either runs to its end or is refused',
  async (t, scope) => {
    for (let round = 0; round < 3; round++) {
      const containers = Array.from({ length: 8 }, () =>
        scope.container((config) => {
          config.linux.cgroupsPath = `/${scope.word}-shared`
          config.process.args = ['/bin/sh', '-c', 'exit 42']
        }),
      )
      const statuses = await Promise.all(
        containers.map(async (container) => {
          const child = container.spawn('run')
          let stderr = ''
          child.stderr?.on('data', (chunk: Buffer) => (stderr += String(chunk)))
          const closed = once(child, 'close')
          const { status } = await ended(child)
          await closed
          if (status !== 42) t.match(stderr, /cgroup is not empty|is being made or removed in the cgroup/)
          return status
        }),
      )
      t.ok(statuses.includes(42), 'one at least has run')
      t.same(
        statuses.filter((status) => status !== 42 && status !== 1),
        [],
        'and none was killed by another',
      )
    }
    t.notOk(existsSync(join(unifiedMount(), `${scope.word}-shared`)))
  },
  { needs: ['tsrun', 'cgroup-unified'] },
)

test(
  'a stopped container is deleted without the one that has come into its cgroup',
  (t, scope) => {
    const [first, second] = ['exit 0', 'sleep 1000'].map((script) =>
      scope.container((config) => {
        config.linux.cgroupsPath = `/${scope.word}-again`
        config.process.args = ['/bin/sh', '-c', script]
      }),
    )
    first?.create()
    first?.start()
    first?.awaitEnd()
    t.match(second?.create(), { status: 0, stderr: '' })
    second?.start()
    t.equal(first?.delete().status, 0)
    t.equal(second?.state().status, 'running')
    t.equal(second?.delete(['--force']).status, 0)
    t.notOk(existsSync(join(unifiedMount(), `${scope.word}-again`)))
  },
  { needs: ['tsrun', 'cgroup-unified'] },
)

test(
  'below a frozen cgroup nothing is made, and the cgroup is named',
  (t, scope) => {
    const parent = join(unifiedMount(), `${scope.word}-ice`)
    mkdirSync(parent)
    const remove = (): void => {
      for (const mount of cgroupMounts()) {
        const directory = join(mount, `${scope.word}-ice`)
        if (existsSync(directory)) rmdirSync(directory)
      }
    }
    scope.defer(remove)
    writeFileSync(join(parent, 'cgroup.freeze'), '1')
    const container = scope.container((config) => {
      config.linux.cgroupsPath = `/${scope.word}-ice/deeper/leaf`
    })
    t.match(container.create(), {
      status: 1,
      stderr: `the cgroup ${parent} above that of the container is frozen: thaw it first`,
    })
    t.notOk(existsSync(join(parent, 'deeper')))
    remove()
    t.same(scope.leftovers(), [])
  },
  { needs: ['tsrun', 'cgroup-unified'] },
)

test(
  'a hierarchy that another mount covers is none',
  (t, scope) => {
    const container = scope.container((config) => {
      config.process.args = ['/bin/sh', '-c', 'exit 42']
    })
    const run = [...runtimeCommand(), '--root', scope.root, 'run', '--bundle', container.bundle.path, container.id]
    for (const [type, point] of [
      ['sysfs', '/sys'],
      ['tmpfs', '/sys/fs/cgroup'],
      ['tmpfs', unifiedMount()],
    ] as const) {
      const script =
        'mount -t "$0" none "$1"; point=$1; shift; "$@"; status=$?; find "$point" -name "*.procs" -o -name "$NAME"; exit $status'
      const command = ['--mount', ...(type === 'sysfs' ? ['--net'] : []), 'env', `NAME=${container.id}`]
      const { status, stdout, stderr } = scope.runner.runProgram('unshare', [
        ...command,
        'sh',
        '-c',
        script,
        type,
        point,
        ...run,
      ])
      t.match({ status, stderr }, { status: 42, stderr: '' }, `${type} on ${point}`)
      t.notMatch(stdout, container.id, 'no directory is made in what covers it')
    }
  },
  { needs: ['tsrun', 'root', 'cgroup-unified'] },
)

test(
  'delete --force beside somebody who removes the emptied cgroup',
  async (t, scope) => {
    for (let round = 0; round < 10; round++) {
      const container = scope.container((config) => {
        config.linux.cgroupsPath = `/${scope.word}-gone`
        config.process.args = ['/bin/sleep', '1000']
      })
      container.create()
      container.start()
      const directories = cgroupMounts().map((mount) => join(mount, `${scope.word}-gone`))
      const loop = 'while [ -e "$1" ]; do rmdir "$@" 2>/dev/null; done'
      const other = spawn('sh', ['-c', loop, 'sh', ...directories], { stdio: 'ignore' })
      t.match(container.delete(['--force']), { status: 0, stderr: '' })
      await ended(other)
    }
  },
  { needs: ['tsrun', 'root', 'cgroup-unified'] },
)

test(
  'below a cgroup that has processes a container runs, and is one of threads where it is limited',
  (t, scope) => {
    const outer = join(unifiedMount(), `${scope.word}-outer`)
    mkdirSync(outer)
    scope.defer(() => rmdirSync(outer))
    const here = (args: readonly string[]): string => {
      const enter =
        'echo $$ > "$0/cgroup.procs" && exec unshare --cgroup --mount sh -c \'umount /sys/fs/cgroup && mount -t cgroup2 c /sys/fs/cgroup && "$@"\' sh "$@"'
      const { stdout, stderr } = scope.runner.runProgram('sh', [
        '-c',
        enter,
        outer,
        ...runtimeCommand(),
        '--root',
        scope.root,
        ...args,
      ])
      return stdout + stderr
    }
    const run = (limits: object): string => {
      const container = scope.container((config) => {
        config.process.args = ['/bin/echo', 'runs']
        config.linux.resources = limits
      })
      return here(['run', '--bundle', container.bundle.path, container.id])
    }
    const type = (): string => readFileSync(join(outer, 'cgroup.type'), 'utf8').trim()
    t.match(run({}), /^runs$/m)
    t.match(run({ memory: { limit: 33554432 }, pids: { limit: 20 } }), /controller "memory" is not available/)
    t.equal(type(), 'domain', 'nothing has been changed')

    const container = scope.container((config) => {
      config.process.args = ['/bin/sleep', '1000']
      config.linux.resources = { pids: { limit: 20 } }
    })
    t.equal(here(['run', '--detach', '--bundle', container.bundle.path, container.id]), '')
    t.equal(type(), 'domain threaded')
    t.equal(readFileSync(join(outer, container.id, 'cgroup.type'), 'utf8'), 'threaded\n')
    t.match(here(['exec', container.id, '/bin/echo', 'inside']), /^inside$/m)
    t.equal((JSON.parse(here(['ps', '--format', 'json', container.id])) as number[]).length, 1)
    t.equal(here(['delete', '--force', container.id]), '')
    t.notOk(existsSync(join(outer, container.id)))
  },
  { needs: ['tsrun', 'cgroup-v2', 'own-machine'] },
)

/** config.json: linux.resources.memory, and memory in unified, by what the kernel counts and a container notices. */
import type { Resources } from 'tsrun'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commonParent, groupOf, hierarchyOf, readGroup } from '../helpers/cgroups.js'
import type { TestConfig } from '../helpers/config.js'
import type { Container } from '../helpers/container.js'
import { ended, Lines } from '../helpers/runtime.js'
import type { Scope } from '../helpers/scope.js'
import { firstLine, noteSeen } from '../helpers/seen.js'
import { test } from '../helpers/test.js'

const mebi = 1024 * 1024
const isLegacy = hierarchyOf('memory')?.version === 1

const limited = (scope: Scope, resources: Resources, script: string, cgroupsPath?: string): Container =>
  scope.container((config) => {
    config.linux.resources = resources as NonNullable<TestConfig['linux']['resources']>
    if (cgroupsPath !== undefined) config.linux.cgroupsPath = cgroupsPath
    config.process.args = ['/bin/sh', '-c', script]
  })

const group = (container: Container): string => groupOf(container.state().pid, 'memory')

/** Runs a container to its end. @returns its output, and where the kernel has counted */
function complete(container: Container): { stdout: string; directory: string } {
  container.create()
  const directory = group(container)
  container.start()
  container.awaitEnd()
  return { stdout: container.output.stdout, directory }
}

/** A number in a file of the container's cgroup; of one with several, that after the key. */
function counted(directory: string, file: string, key = ''): number {
  const text = readGroup(directory, file)
  return Number(key === '' ? text : new RegExp(`^${key} (\\d+)$`, 'm').exec(text)?.[1])
}

/** Takes so much memory in a child, and says how that ended. */
const take = (size: number): string => `busybox dd if=/dev/zero of=/dev/null bs=${size}M count=1; echo status $?`

/** Fills so many MiB, and more, by doubling. No system call does it: in that the kernel would give an error instead of waiting. */
const fill = (size: number): string =>
  `text=0123456789abcdef; while [ \${#text} -lt ${size * mebi} ]; do text=$text$text; done; echo filled`

test(
  'an allocation beyond the memory limit is killed',
  (t, scope) => {
    const container = limited(scope, { memory: { limit: 16 * mebi, swap: 16 * mebi } }, take(64))
    const { stdout, directory } = complete(container)
    t.match(stdout, /^status 137$/m)
    const kills = counted(directory, isLegacy ? 'memory.oom_control' : 'memory.events', 'oom_kill')
    t.ok(kills > 0)
    const effect = `a child that fills 64 MiB within 16 MiB ends with status 137, \`oom_kill ${kills}\``
    noteSeen({ field: 'memory.limit', controller: 'memory', effect })
  },
  { needs: ['cgroup:memory'] },
)

/** Makes a file the machine's swap, until the end of the test. */
function addSwap(scope: Scope, size: number): void {
  const path = scope.path('swap')
  // With holes it would not be taken.
  writeFileSync(path, Buffer.alloc(size, 1), { flush: true })
  chmodSync(path, 0o600)
  const run = (program: string): void => {
    const { status, stderr } = scope.runner.runProgram(program, [path])
    if (status !== 0) throw new Error(`${program}: ${stderr}`)
  }
  run('mkswap')
  run('swapon')
  scope.defer(() => run('swapoff'))
}

test(
  'beyond the memory limit a container may use swap, as much as it is given',
  (t, scope) => {
    addSwap(scope, 64 * mebi)
    // Not zeros, which the kernel keeps in one page.
    const script = `sh -c '${fill(16)}'; echo status $?`
    const tries = [64, 16].map((swap) =>
      complete(limited(scope, { memory: { limit: 16 * mebi, swap: swap * mebi } }, script)),
    )
    const [much, none] = tries.map(({ stdout, directory }) => ({
      stdout,
      peak: counted(directory, 'memory.swap.peak'),
    }))
    t.match(much?.stdout, /^status 0$/m)
    t.ok(Number(much?.peak) > 8 * mebi, String(much?.peak))
    t.match(none?.stdout, /^status 137$/m)
    t.equal(none?.peak, 0)
    const effect = `a child that fills 32 MiB within 16 MiB: with swap 64 MiB in all status 0 and \`memory.swap.peak\` ${much?.peak}; with 16 MiB in all status 137 and ${none?.peak}`
    noteSeen({ field: 'memory.swap', controller: 'memory', effect })
  },
  { needs: ['cgroup-v2:memory', 'own-machine', 'files-on-block-device'] },
)

test(
  'what is reserved for a container is not taken from it for others',
  async (t, scope) => {
    const parent = commonParent(scope)
    // Written past the page cache, so that it is the reader who has it there.
    const read = 'busybox dd if=/dev/zero of=/file bs=1M count=16 oflag=direct 2>/dev/null; cat /file > /dev/null'
    const running = [24, 0].map((reservation) => {
      const memory = { limit: 512 * mebi, reservation: reservation * mebi }
      const container = limited(scope, { memory }, `${read}; echo ready; exec sleep 1000`, `${parent}/${reservation}`)
      return { container, child: container.spawn('run') }
    })
    for (const { child } of running) t.equal(await new Lines(child.stdout).next(), 'ready')
    const directories = running.map(({ container }) => group(container))
    const common = join(directories[0] ?? '', '..')
    writeFileSync(join(common, 'memory.max'), String(counted(common, 'memory.current') - 8 * mebi))
    const [reserved, other] = directories.map((directory) => counted(directory, 'memory.stat', 'file') / mebi)
    t.ok(Number(reserved) > 15, `${reserved} MiB`)
    t.ok(Number(other) < 10, `${other} MiB`)
    for (const { container, child } of running) {
      container.kill('KILL')
      await ended(child)
    }
    const effect = `two containers with 16 MiB of a file each in memory, 8 MiB too much for both: ${reserved?.toFixed(1)} MiB stay with a reservation, ${other?.toFixed(1)} without`
    noteSeen({ field: 'memory.reservation', controller: 'memory', effect })
  },
  { needs: ['cgroup-v2:memory', 'files-on-block-device'] },
)

test(
  'above memory.high a container is slowed down, not killed',
  (t, scope) => {
    const { stdout, directory } = complete(limited(scope, { unified: { 'memory.high': String(8 * mebi) } }, take(12)))
    t.match(stdout, /^status 0$/m)
    const [high, kills] = ['high', 'oom_kill'].map((key) => counted(directory, 'memory.events', key))
    t.ok(Number(high) > 0)
    t.equal(kills, 0)
    const effect = `12 MiB with memory.high 8 MiB: status 0, \`high ${high}\`, \`oom_kill ${kills}\` in memory.events`
    noteSeen({ field: 'unified', controller: 'memory', effect })
  },
  { needs: ['cgroup-v2:memory'] },
)

test(
  'without an OOM killer a container waits for memory, and goes on when it gets more',
  async (t, scope) => {
    const memory = { limit: 16 * mebi, swap: 16 * mebi, disableOOMKiller: true }
    const container = limited(scope, { memory }, `echo ready; read -r _; ${fill(16)}`)
    const child = container.spawn('run')
    const said = new Lines(child.stdout)
    t.equal(await said.next(), 'ready')
    const events = scope.runner.spawn(['events', '--interval', '1h', container.id])
    const lines = new Lines(events.stdout)
    child.stdin?.write('\n')
    t.equal(await lines.next(), JSON.stringify({ type: 'oom', id: container.id }))
    const directory = group(container)
    const [waiting, kills] = ['under_oom', 'oom_kill'].map((key) => counted(directory, 'memory.oom_control', key))
    t.same([waiting, kills], [1, 0])
    const size = String(128 * mebi)
    t.match(scope.runtime(['update', '--memory', size, '--memory-swap', size, container.id]), { status: 0, stderr: '' })
    t.equal(await said.next(), 'filled')
    t.equal((await ended(child)).status, 0)
    t.equal((await ended(events)).status, 0)
    const effect = `32 MiB within 16 MiB: \`under_oom ${waiting}\`, \`oom_kill ${kills}\`; after \`update\` to 128 MiB it goes on`
    noteSeen({ field: 'memory.disableOOMKiller', controller: 'memory', effect })
  },
  { needs: ['cgroup-v1:memory', 'tsrun'] },
)

test(
  'a limit below what is used is refused, and nobody is killed',
  async (t, scope) => {
    const container = limited(scope, { memory: { limit: 64 * mebi } }, `${fill(16)}; read -r _; echo \${#text}`)
    const child = container.spawn('run')
    const said = new Lines(child.stdout)
    t.equal(await said.next(), 'filled')
    const input = JSON.stringify({ memory: { limit: 4 * mebi, swap: 4 * mebi, checkBeforeUpdate: true } })
    const { status, stderr } = scope.runtime(['update', '-r', '-', container.id], { input })
    t.equal(status, 1)
    t.match(stderr, /set memory.*4194304.*\(current usage: \d+\)/)
    child.stdin?.write('\n')
    t.equal(await said.next(), String(16 * mebi))
    t.equal((await ended(child)).status, 0)
    noteSeen({
      field: 'memory.checkBeforeUpdate',
      controller: 'memory',
      effect: `\`update\` to 4 MiB: ${firstLine(stderr)}`,
    })
  },
  { needs: ['cgroup:memory', 'tsrun'] },
)

/** /dev/null of the image is not the null device: CVE-2025-31133 (masks), CVE-2026-88265 (streams). */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attackTest, mountsOf, raceCreates, swapping } from '../helpers/attack.js'
import type { Change } from '../helpers/config.js'
import { parseReport } from '../helpers/probe.js'
import { ended } from '../helpers/runtime.js'

const corePattern = '/proc/sys/kernel/core_pattern'
const masked = '/proc/kallsyms'

/** /dev is a directory of the attacker; it is left as it is, since the config brings it. */
const devFrom =
  (source: string): Change =>
  (config) => {
    config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'))
    config.mounts.push({ destination: '/dev', type: 'bind', source, options: ['bind', 'rw'] })
    config.linux.maskedPaths = [masked, '/proc/latency_stats']
  }

const makeNull = (path: string): void => void execFileSync('mknod', ['-m', '666', path, 'c', '1', '3'])

function isNull(path: string): boolean {
  const { mode, rdev } = statSync(path)
  return (mode & 0o170000) === 0o20000 && rdev === 0x103
}

const fakes: Readonly<Record<string, (path: string) => void>> = {
  'a link to core_pattern': (path) => symlinkSync(corePattern, path),
  'a link to a file of the image': (path) => symlinkSync('/probe', path),
  'a regular file': (path) => writeFileSync(path, ''),
  'a fifo': (path) => void execFileSync('mkfifo', [path]),
  'another device': (path) => void execFileSync('mknod', [path, 'c', '1', '5']),
  'a block device of the same number': (path) => void execFileSync('mknod', [path, 'b', '1', '3']),
  'a directory': (path) => mkdirSync(path),
  missing: () => undefined,
}

for (const [name, make] of Object.entries(fakes)) {
  attackTest(`masked paths are never covered with a false /dev/null: ${name}`, (t, scope) => {
    const dev = scope.path('dev')
    mkdirSync(dev)
    make(join(dev, 'null'))
    const container = scope.container(devFrom(dev))
    // No stream is the null device, so that it is the mask that has to notice.
    const command = ['create', '--bundle', container.bundle.path, container.id]
    t.match(scope.runner.runInShell('"$@" </dev/zero', command), { status: 1, stderr: /mask: .*\/dev\/null/ })
    t.notOk(scope.runner.hasState(container.id), 'no container was made')
    t.same(scope.leftovers(), [])
  })
}

attackTest('exchanging /dev/null during create never puts another file over a masked path', async (t, scope) => {
  const dev = scope.path('dev')
  mkdirSync(dev)
  makeNull(join(dev, 'null'))
  symlinkSync(corePattern, join(dev, 'other'))
  const race = await swapping(scope, join(dev, 'null'), join(dev, 'other'))
  const look = (pid: number): string[] => [
    ...(isNull(`/proc/${pid}/root${masked}`) ? [] : ['the mask is not the null device']),
    ...mountsOf(pid).flatMap(({ root, point }) => (root.endsWith('core_pattern') ? [`core_pattern at ${point}`] : [])),
  ]
  await raceCreates(t, scope.container(devFrom(dev)), { usual: 40, look })
  await race.stop()
})

attackTest('exchanging /dev/null during create never makes a stream of another file', async (t, scope) => {
  const dev = scope.path('dev')
  mkdirSync(dev)
  makeNull(join(dev, 'null'))
  symlinkSync(corePattern, join(dev, 'other'))
  const race = await swapping(scope, join(dev, 'null'), join(dev, 'other'))
  const container = scope.container(devFrom(dev))
  container.bundle.config.linux.maskedPaths = []
  container.rewrite()
  // Standard input is the host's /dev/null.
  const look = (pid: number): string[] => (isNull(`/proc/${pid}/fd/0`) ? [] : ['the stream is not the null device'])
  await raceCreates(t, container, { usual: 40, look })
  await race.stop()
})

attackTest('streams are never replaced by what lies at /dev/null, and keep their owner', async (t, scope, host) => {
  const bound = join(host.canary, 'file')
  const container = scope.container((config) => {
    config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'))
    config.mounts.push({ destination: '/dev', type: 'bind', source: scope.path('dev'), options: ['bind'] })
    config.mounts.push({ destination: '/bound', type: 'bind', source: bound, options: ['bind'] })
    config.process.user = { uid: 1000, gid: 1000 }
  })
  mkdirSync(scope.path('dev'))
  for (const target of ['/bound', corePattern]) {
    symlinkSync(target, scope.path('dev/null'))
    const child = container.spawn('run') // pipes: st_rdev 0, as of every regular file
    let text = ''
    child.stdout?.on('data', (data) => (text += String(data)))
    child.stdin?.end()
    t.same(await ended(child), { status: 0, signal: null })
    const { fds } = parseReport(text)
    for (const fd of ['0', '1', '2']) t.match(fds[fd], /^(pipe|socket):/, `${target}: stream ${fd}`)
    t.same(Object.keys(fds).sort(), ['0', '1', '2'])
    host.check(t)
    unlinkSync(scope.path('dev/null'))
  }
})

attackTest('a stream that is the host’s /dev/null is not replaced by a file of the image', (t, scope, host) => {
  for (const target of [corePattern, '/probe']) {
    const dev = scope.path('dev')
    mkdirSync(dev)
    symlinkSync(target, join(dev, 'null'))
    const container = scope.container(devFrom(dev))
    container.bundle.config.linux.maskedPaths = []
    container.rewrite()
    t.match(container.create(), { status: 1, stderr: /\/dev\/null/ }, target)
    host.check(t)
    rmSync(dev, { recursive: true })
  }
  t.same(scope.leftovers(), [])
})

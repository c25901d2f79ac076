/**
 * Destinations of mounts that lead out of the root, by links or by exchanging directories during create:
 * CVE-2021-30465, CVE-2024-45310 (runc), CVE-2019-18837 (crun).
 */
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { attackTest, mountsOf, raceCreates, refuses, snapshot, swapping, type Host } from '../helpers/attack.js'
import type { TestMount } from '../helpers/config.js'
import type { Scope } from '../helpers/scope.js'

const tmpfs = (destination: string): TestMount => ({ destination, type: 'tmpfs', source: 'tmpfs' })

attackTest('destinations that lead out by .. or by a link lead to places inside the root', (t, scope, host) => {
  const ways: readonly [string, string?][] = [
    [`/../../../../../..${host.canary}/new`],
    [`../../../..${host.canary}/new`],
    ['/link/new', host.canary],
    ['/link/../new', host.canary],
    ['/link', host.canary],
    ['/link', join(host.canary, 'dangling')],
    ['/link/a/b/c', join(host.canary, 'dangling/deep')],
    ['/link/new', `../../../../../../../..${host.canary}`],
    ['/link/new', 'again'],
  ]
  for (const [destination, link] of ways) {
    const container = scope.container((config) => {
      config.process.args = ['/probe', 'wait']
      config.mounts.push(tmpfs(destination))
    })
    if (link !== undefined) symlinkSync(link, join(container.bundle.rootfs, 'link'))
    symlinkSync(host.canary, join(container.bundle.rootfs, 'again'))
    t.equal(container.create().status, 0, `${destination} with ${link ?? 'no link'}`)
    const { pid } = container.state()
    t.ok(mountsOf(pid).some(({ type, source }) => type === 'tmpfs' && source === 'tmpfs'))
    host.check(t)
    container.remove()
  }
})

attackTest('links that lead nowhere, to themselves or to other processes end in an error', (t, scope) => {
  for (const target of ['link', '/link/more', '/proc/self/fd/3', '/proc/self/root', '/proc/1/cwd']) {
    const container = scope.container((config) => config.mounts.push(tmpfs('/link/below')))
    symlinkSync(target, join(container.bundle.rootfs, 'link'))
    refuses(t, scope, container, /too many|ELOOP|procfs|not a directory|no such/i)
  }
})

attackTest('no link leads a mount into procfs, which programs trust (CVE-2019-19921)', (t, scope) => {
  for (const target of ['/proc/sys', '/proc/self/attr', '/proc/self/../fs']) {
    const container = scope.container((config) => config.mounts.push(tmpfs('/link')))
    symlinkSync(target, join(container.bundle.rootfs, 'link'))
    refuses(t, scope, container, /the destination leads into procfs/)
  }
})

attackTest('a mount that a config puts at the root is all that the program gets to see', (t, scope) => {
  for (const destination of ['/', '/..', '.', '/tmp/..']) {
    const container = scope.container((config) => config.mounts.push(tmpfs(destination)))
    refuses(t, scope, container, /exec: "\/probe": stat \/probe: no such file or directory/)
  }
})

attackTest('no link leads a mount to the root', (t, scope) => {
  for (const destination of ['/link', '/tmp/../link/.']) {
    const container = scope.container((config) => config.mounts.push(tmpfs(destination)))
    symlinkSync('/', join(container.bundle.rootfs, 'link'))
    refuses(t, scope, container, /root of the container|container's root/)
  }
})

attackTest('a name that is too long for a file is refused, not cut in pieces', (t, scope) => {
  const container = scope.container((config) => config.mounts.push(tmpfs(`/missing/${'a'.repeat(300)}`)))
  refuses(t, scope, container, /ENAMETOOLONG|name too long/i)
  t.same(readdirSync(join(container.bundle.rootfs, 'missing')), [])
})

attackTest('the file for a bind mount of a file is made inside the root', (t, scope, host) => {
  writeFileSync(scope.path('source'), 'source')
  for (const target of [
    join(host.canary, 'made'),
    relative('/', join(host.canary, 'made')),
    join(host.canary, 'file'),
  ]) {
    const container = scope.container((config) => {
      config.mounts.push({ destination: '/link', type: 'bind', source: scope.path('source'), options: ['bind'] })
    })
    symlinkSync(target, join(container.bundle.rootfs, 'link'))
    t.equal(container.run().status, 0)
    host.check(t)
    t.ok(existsSync(join(container.bundle.rootfs, join('/', target))))
  }
})

attackTest('the working directory is made inside the root', (t, scope, host) => {
  const container = scope.container((config) => {
    config.process.cwd = '/link/new/directory'
  })
  symlinkSync(host.canary, join(container.bundle.rootfs, 'link'))
  t.equal(container.run().status, 0)
  t.equal(container.report().cwd, `${host.canary}/new/directory`)
})

attackTest('copying up into a tmpfs follows no link and waits for no fifo', (t, scope, host) => {
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'link /data/link', 'read /data/link/file', 'stat /data/fifo']
    config.mounts.push({ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] })
  })
  const data = join(container.bundle.rootfs, 'data')
  mkdirSync(data)
  symlinkSync(host.canary, join(data, 'link'))
  scope.runner.runProgram('mkfifo', [join(data, 'fifo')])
  t.equal(container.run().status, 0)
  t.equal(container.report().tries['link /data/link']?.text, host.canary)
  t.equal(container.report().tries['read /data/link/file']?.error, 'ENOENT')
  t.equal(container.report().tries['stat /data/fifo']?.type, 'fifo')
})

/** The volume that two containers share; one of them exchanges a directory with a link to `target`. */
async function sharedVolume(scope: Scope, target: string): Promise<{ volume: string; stop(): Promise<unknown> }> {
  const volume = scope.path('volume')
  mkdirSync(join(volume, 'a/b'), { recursive: true })
  symlinkSync(target, join(volume, 'link'))
  return { volume, ...(await swapping(scope, join(volume, 'a'), join(volume, 'link'))) }
}

const hostRoot = statSync('/')

const races: readonly [string, (host: Host) => string][] = [
  ['/', () => '/'],
  ['../../../../../..', () => '../../../../../..'],
  ['a directory of the host', (host) => host.canary],
  ['/proc', () => '/proc'],
]

for (const [name, targetOf] of races) {
  attackTest(`exchanging a directory with a link to ${name} moves no mount out of the root`, async (t, scope, host) => {
    mkdirSync(scope.path('source'))
    const race = await sharedVolume(scope, targetOf(host))
    const container = scope.container()
    const { config } = container.bundle
    const mounts = [...config.mounts]
    const source = scope.path('source')
    const prepare = (round: number): void => {
      config.mounts = [...mounts, { destination: '/volume', type: 'bind', source: race.volume, options: ['rbind'] }]
      // `b` is there, the others have to be made while the way to them changes.
      for (const path of ['b', `c${round}`, `d${round}/e/f`, 'b', `${round}`]) {
        const destination = `/volume/a/${path}`
        config.mounts.push({ destination, type: 'bind', source, options: ['rbind'] }, tmpfs(destination))
      }
      container.rewrite()
    }
    const look = (pid: number): string[] => {
      const root = statSync(`/proc/${pid}/root/`)
      return [
        ...mountsOf(pid)
          .filter(({ root, type }) => root === '/' && !['tmpfs', 'proc', 'sysfs', 'devpts'].includes(type))
          .map(({ point }) => point),
        ...(existsSync(`/proc/${pid}/root${host.canary}/file`) ? ['the canary is visible'] : []),
        ...(root.ino === hostRoot.ino && root.dev === hostRoot.dev ? ['the root is the host’s'] : []),
      ]
    }
    await raceCreates(t, container, { usual: 30, prepare, look })
    await race.stop()
    t.same(readdirSync(source), [])
  })
}

attackTest(
  'exchanging files with links and fifos while a tmpfs copies them up brings nothing else',
  async (t, scope, host) => {
    const container = scope.container((config) => {
      config.mounts.push({ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] })
    })
    const data = join(container.bundle.rootfs, 'data')
    mkdirSync(join(data, 'directory'), { recursive: true })
    writeFileSync(join(data, 'directory/inside'), 'inside')
    writeFileSync(join(data, 'file'), 'inside')
    symlinkSync(host.canary, join(data, 'link'))
    scope.runner.runProgram('mkfifo', [join(data, 'fifo')])
    const directories = await swapping(scope, join(data, 'directory'), join(data, 'link'))
    const files = await swapping(scope, join(data, 'file'), join(data, 'fifo'))
    const look = (pid: number): string[] =>
      snapshot(`/proc/${pid}/root/data`).filter((line) => / canary/.test(line.replace(/ -> .*/, '')))
    await raceCreates(t, container, { usual: 30, look })
    await directories.stop()
    await files.stop()
  },
)

/**
 * Destinations of mounts that lead out of the root, by links or by exchanging directories during create:
 * CVE-2021-30465, CVE-2024-45310 (runc), CVE-2019-18837 (crun).
 */
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { attackTest, mountsOf, refuses, swapping, type Host } from '../helpers/attack.js'
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

/** Creates a container again and again, with mounts below the exchanged directory; `look` is for each success. */
function createMany(scope: Scope, volume: string, look: (pid: number) => void): number {
  const container = scope.container()
  const { config } = container.bundle
  const mounts = [...config.mounts]
  let created = 0
  // When thirty creates in a row lose the race, it goes on until one has.
  for (let round = 0; round < 30 || (created === 0 && round < 500); round++) {
    config.mounts = [...mounts, { destination: '/volume', type: 'bind', source: volume, options: ['rbind'] }]
    // `b` is there, the others have to be made while the way to them changes.
    for (const path of ['b', `c${round}`, `d${round}/e/f`, 'b', `${round}`]) {
      const destination = `/volume/a/${path}`
      config.mounts.push({ destination, type: 'bind', source: scope.path('source'), options: ['rbind'] })
      config.mounts.push(tmpfs(destination))
    }
    container.rewrite()
    if (container.create().status === 0) {
      created++
      look(container.state().pid)
    }
    container.remove()
  }
  return created
}

const hostRoot = statSync('/').dev

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
    const wrong: string[] = []
    const created = createMany(scope, race.volume, (pid) => {
      for (const { root, point, type } of mountsOf(pid)) {
        if (root === '/' && !['tmpfs', 'proc', 'sysfs', 'devpts'].includes(type)) wrong.push(point)
      }
      if (existsSync(`/proc/${pid}/root${host.canary}/file`)) wrong.push('the canary is visible')
      if (statSync(`/proc/${pid}/root/`).ino === statSync('/').ino && hostRoot === statSync(`/proc/${pid}/root/`).dev)
        wrong.push('the root is the host’s')
    })
    await race.stop()
    t.same(wrong, [])
    t.ok(created > 0, 'some of them succeed')
    t.same(readdirSync(scope.path('source')), [])
  })
}

/** The terminal of a container whose image is hostile: CVE-2025-52565 (runc), CVE-2026-88264 (crun). */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { attackTest, mountsOf, raceCreates, refuses, swapping, type Host } from '../helpers/attack.js'
import type { Change } from '../helpers/config.js'
import { mountAt, parseReport } from '../helpers/probe.js'
import type { Scope } from '../helpers/scope.js'

const corePattern = '/proc/sys/kernel/core_pattern'

/** No mount for /dev, but a devpts of the container's own on /dev/pts. */
const withoutDev: Change = (config) => {
  config.process.terminal = true
  config.mounts = config.mounts.filter(({ destination }) => destination !== '/dev')
}

for (const readonly of [false, true]) {
  const name = readonly ? ' of a read-only root' : ''

  attackTest(`a link in place of /dev/console${name} is refused`, async (t, scope, host) => {
    for (const target of [corePattern, join(host.canary, 'console'), '/probe', '/dangling', '/dev/null']) {
      const container = scope.container((config) => {
        withoutDev(config)
        config.root.readonly = readonly
      })
      symlinkSync(target, join(container.bundle.rootfs, 'dev/console'))
      await scope.peer('console', scope.path(`socket-${container.id}`))
      refuses(t, scope, container, /\/dev\/console.*symbolic link/s, [
        '--console-socket',
        scope.path(`socket-${container.id}`),
      ])
      host.check(t)
    }
  })

  attackTest(`with a link in place of /dev${name} the console is made inside the root`, async (t, scope, host) => {
    const container = scope.container((config) => {
      withoutDev(config)
      config.root.readonly = readonly
    })
    const { rootfs } = container.bundle
    rmdirSync(join(rootfs, 'dev'))
    symlinkSync(host.canary, join(rootfs, 'dev'))
    const peer = await scope.peer('console', scope.path('socket'))
    t.match(container.create(['--console-socket', scope.path('socket')]), { status: 0, stderr: '' })
    host.check(t)
    container.start()
    const report = parseReport((await peer.report()).shown ?? '')
    t.equal(mountAt(report, `${host.canary}/console`).type, 'devpts')
    t.equal(mountAt(report, `${host.canary}/pts`).type, 'devpts')
    container.awaitEnd()
  })
}

/** Takes terminals, as many as come, and lets go of each. */
async function terminalTaker(scope: Scope): Promise<string[]> {
  const path = scope.path('socket')
  const server = createServer((socket) => socket.on('error', () => undefined).resume()).listen(path)
  await new Promise((resolve) => server.on('listening', resolve))
  scope.defer(() => void server.close())
  return ['--console-socket', path]
}

const exchanges: readonly (readonly [what: string, name: string, target: (host: Host) => string])[] = [
  ['/dev/console', 'dev/console', () => corePattern],
  ['/dev', 'dev', (host) => host.canary],
]

for (const [what, name, targetOf] of exchanges) {
  attackTest(`exchanging ${what} with a link during create puts the terminal nowhere else`, async (t, scope, host) => {
    const container = scope.container(withoutDev)
    const { rootfs } = container.bundle
    writeFileSync(join(rootfs, 'dev/console'), '')
    symlinkSync(targetOf(host), join(rootfs, `${name}-link`))
    const race = await swapping(scope, join(rootfs, name), join(rootfs, `${name}-link`))
    // A name in the root may be any of the two by now: what counts is which file system is mounted, and how often.
    const look = (pid: number): string[] => {
      const terminals = mountsOf(pid).filter(({ type, root }) => type === 'devpts' && root !== '/')
      return [
        ...(terminals.length === 1 ? [] : [`${terminals.length} terminals`]),
        ...mountsOf(pid).flatMap(({ root }) => (root.endsWith('core_pattern') ? [root] : [])),
      ]
    }
    await raceCreates(t, container, { usual: 30, args: await terminalTaker(scope), look })
    await race.stop()
  })
}

const multiplexers: Readonly<Record<string, (path: string) => void>> = {
  'a link to core_pattern': (path) => symlinkSync(corePattern, path),
  'a link to the host’s ptmx': (path) => symlinkSync('/dev/ptmx', path),
  'a file': (path) => writeFileSync(path, ''),
  'a fifo': (path) => void execFileSync('mkfifo', [path]),
  'a device of the right number that is on no devpts': (path) => void execFileSync('mknod', [path, 'c', '5', '2']),
  'another device': (path) => void execFileSync('mknod', [path, 'c', '1', '3']),
}

for (const [name, make] of Object.entries(multiplexers)) {
  attackTest(`${name} is not taken for the multiplexer`, async (t, scope) => {
    const pts = scope.path('pts')
    mkdirSync(pts)
    make(join(pts, 'ptmx'))
    symlinkSync(corePattern, join(pts, '0'))
    const container = scope.container((config) => {
      config.process.terminal = true
      config.mounts = config.mounts.filter(({ destination }) => destination !== '/dev/pts')
      config.mounts.push({ destination: '/dev/pts', type: 'bind', source: pts, options: ['bind'] })
    })
    await scope.peer('console', scope.path('socket'))
    refuses(t, scope, container, /\/dev\/pts\/ptmx/, ['--console-socket', scope.path('socket')])
  })
}

// The kernel opens a 5:2 device anywhere when a devpts is at `pts` beside it: only the look at the file system is left.
attackTest('a device beside a devpts is not taken for its multiplexer', async (t, scope) => {
  const pts = scope.path('pts')
  mkdirSync(join(pts, 'pts'), { recursive: true })
  execFileSync('mknod', [join(pts, 'ptmx'), 'c', '5', '2'])
  const container = scope.container((config) => {
    config.process.terminal = true
    config.mounts = config.mounts.filter(({ destination }) => destination !== '/dev/pts')
    config.mounts.push({ destination: '/dev/pts', type: 'bind', source: pts, options: ['bind'] })
    config.mounts.push({ destination: '/dev/pts/pts', type: 'devpts', source: 'devpts', options: ['newinstance'] })
  })
  await scope.peer('console', scope.path('socket'))
  refuses(t, scope, container, /not the multiplexer of a devpts/, ['--console-socket', scope.path('socket')])
})

attackTest('without a devpts the links that the image has in /dev/pts are not followed', async (t, scope) => {
  const container = scope.container((config) => {
    withoutDev(config)
    config.mounts = config.mounts.filter(({ destination }) => destination !== '/dev/pts')
  })
  mkdirSync(join(container.bundle.rootfs, 'dev/pts'))
  symlinkSync(corePattern, join(container.bundle.rootfs, 'dev/pts/0'))
  symlinkSync('/dev/ptmx', join(container.bundle.rootfs, 'dev/pts/ptmx'))
  await scope.peer('console', scope.path('socket'))
  refuses(t, scope, container, /ptmx/, ['--console-socket', scope.path('socket')])
})

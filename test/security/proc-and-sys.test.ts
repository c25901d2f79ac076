/**
 * /proc and /sys of the image are not directories, or are covered: CVE-2019-16884, CVE-2019-19921,
 * CVE-2023-27561, CVE-2023-28642 (runc), CVE-2025-54867 (youki).
 */
import { mkdirSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attackTest, mountsOf, raceCreates, refuses, swapping } from '../helpers/attack.js'

const targets = ['/tmp/x', '/tmp', '../../../../tmp', 'sub/dir', 'tmp', '/', '.', '/proc/self/root', '/dangling']

for (const place of ['proc', 'sys']) {
  attackTest(`a symbolic link in place of /${place} is refused, wherever it leads`, (t, scope, host) => {
    for (const target of [host.canary, ...targets]) {
      const container = scope.container()
      const { rootfs } = container.bundle
      rmdirSync(join(rootfs, place))
      mkdirSync(join(rootfs, 'tmp/x'))
      mkdirSync(join(rootfs, 'sub/dir'), { recursive: true })
      symlinkSync(target, join(rootfs, place))
      refuses(t, scope, container, /must be mounted on an ordinary directory/)
    }
  })

  attackTest(`a file in place of /${place} is refused`, (t, scope) => {
    const container = scope.container()
    rmdirSync(join(container.bundle.rootfs, place))
    writeFileSync(join(container.bundle.rootfs, place), '')
    refuses(t, scope, container, /must be mounted on an ordinary directory/)
  })

  attackTest(`a link on the way to a ${place} mount elsewhere is refused`, (t, scope, host) => {
    const container = scope.container((config) => {
      config.mounts.push({ destination: `/deep/${place}`, type: place === 'proc' ? 'proc' : 'sysfs', source: place })
    })
    symlinkSync(host.canary, join(container.bundle.rootfs, 'deep'))
    refuses(t, scope, container, /must be mounted on an ordinary directory/)
  })
}

attackTest('a directory of the attacker bound over /proc is refused', (t, scope) => {
  const fake = scope.path('fake')
  mkdirSync(join(fake, 'self/attr/apparmor'), { recursive: true })
  for (const name of ['exec', 'current', 'apparmor/exec']) writeFileSync(join(fake, 'self/attr', name), '')
  for (const destination of ['/proc', '/proc/', '/x/../proc', 'proc', '//proc/.']) {
    for (const type of ['bind', 'none']) {
      const container = scope.container((config) => {
        config.mounts.push({ destination, type, source: fake, options: ['rbind', 'ro'] })
      })
      refuses(t, scope, container, /proc/)
    }
  }
})

attackTest('/proc may be a bind mount of a procfs, but only of its root', (t, scope) => {
  const bind = (source: string) =>
    scope.container((config) => {
      config.mounts = config.mounts.filter(({ destination }) => destination !== '/proc')
      config.mounts.push({ destination: '/proc', type: 'bind', source, options: ['rbind', 'ro'] })
    })
  refuses(t, scope, bind('/proc/sys'), /proc/)
  refuses(t, scope, bind('/proc/self'), /proc/)
  const container = bind('/proc')
  t.match(container.create(), { status: 0, stderr: '' })
})

attackTest('a tmpfs over /proc, and mounts inside of it, are refused', (t, scope) => {
  const places = [
    '/proc',
    '/proc/self/attr',
    '/proc/sys',
    '/proc/1/root',
    '/proc/self/attr/exec',
    '/proc/sysrq-trigger',
  ]
  for (const destination of places) {
    const container = scope.container((config) => {
      config.mounts.push({ destination, type: 'tmpfs', source: 'tmpfs' })
    })
    refuses(t, scope, container, /\/proc/)
  }
})

attackTest('a link of the image does not lead a mount into procfs', (t, scope) => {
  for (const name of ['link', 'procfs', 'proc2']) {
    for (const [target, file] of [
      ['/proc/sys', false],
      ['../proc/self/attr', false],
      ['/proc/kallsyms', true],
    ] as const) {
      const container = scope.container((config) => {
        const source = scope.path('source')
        if (file) config.mounts.push({ destination: `/${name}`, type: 'bind', source, options: ['bind'] })
        else config.mounts.push({ destination: `/${name}`, type: 'tmpfs', source: 'tmpfs' })
      })
      writeFileSync(scope.path('source'), '')
      symlinkSync(target, join(container.bundle.rootfs, name))
      refuses(t, scope, container, /procfs/)
    }
  }
})

attackTest('exchanging /proc with a link during create never mounts procfs elsewhere', async (t, scope, host) => {
  const shared = scope.path('shared')
  mkdirSync(join(shared, 'proc'), { recursive: true })
  symlinkSync(host.canary, join(shared, 'link'))
  const race = await swapping(scope, join(shared, 'proc'), join(shared, 'link'))
  const container = scope.container((config) => {
    config.mounts.unshift({ destination: '/shared', type: 'bind', source: shared, options: ['rbind'] })
    config.mounts.push({ destination: '/shared/proc', type: 'proc', source: 'proc' })
  })
  const look = (pid: number): string[] =>
    mountsOf(pid)
      // After the exchange the same directory goes by the other name.
      .filter(({ type, point }) => type === 'proc' && !/^(\/proc|\/shared\/(proc|link))$/.test(point))
      .map(({ point }) => point)
  await raceCreates(t, container, { usual: 30, look })
  await race.stop()
})

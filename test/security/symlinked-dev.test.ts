/** /dev of the image is a symbolic link: CVE-2026-41579 (runc), CVE-2026-47766 (crun), CVE-2019-18837. */
import { existsSync, readdirSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { attackTest, raceCreates, swapping } from '../helpers/attack.js'
import type { Change } from '../helpers/config.js'
import { tried } from '../helpers/probe.js'

/** Without a mount of its own, /dev is what the image has there. */
const withoutDev: Change = (config) => {
  config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'))
}

const links: readonly (readonly [string, (rootfs: string, target: string) => string])[] = [
  ['an absolute link', (_, target) => target],
  ['a relative link', (rootfs, target) => relative(rootfs, target)],
  ['a link with too many ..', (_, target) => `../../../../../../../../../..${target}`],
]

for (const [name, linkTo] of links) {
  attackTest(`${name} in place of /dev makes and removes nothing on the host`, (t, scope, host) => {
    const container = scope.container((config) => {
      withoutDev(config)
      config.process.args = ['/probe', 'stat /dev/null', 'link /dev/ptmx', 'stat /dev/sub/extra']
      config.linux.devices = [{ path: '/dev/sub/extra', type: 'c', major: 1, minor: 5, fileMode: 0o666 }]
    })
    const { rootfs } = container.bundle
    rmdirSync(join(rootfs, 'dev'))
    symlinkSync(linkTo(rootfs, host.canary), join(rootfs, 'dev'))
    const { status } = container.run()
    host.check(t)
    t.equal(status, 0, 'the place that the link names is made inside the root')
    t.match(tried(container.report(), 'stat /dev/null'), { type: 'char', major: 1, minor: 3 })
    t.equal(tried(container.report(), 'link /dev/ptmx').text, 'pts/ptmx')
    t.match(tried(container.report(), 'stat /dev/sub/extra'), { type: 'char', major: 1, minor: 5 })
  })
}

attackTest('links in place of single devices are refused, not followed and not replaced', (t, scope, host) => {
  for (const device of ['null', 'zero', 'tty']) {
    const container = scope.container(withoutDev)
    symlinkSync(join(host.canary, 'file'), join(container.bundle.rootfs, 'dev', device))
    t.match(container.create(), { status: 1, stderr: /the image has another file there/ }, device)
    host.check(t)
  }
  t.same(scope.leftovers(), [])
})

attackTest('a device below a link to the host is made inside the root', (t, scope, host) => {
  const container = scope.container((config) => {
    config.linux.devices = [{ path: '/link/new/device', type: 'c', major: 1, minor: 5 }]
  })
  const { rootfs } = container.bundle
  symlinkSync(host.canary, join(rootfs, 'link'))
  t.equal(container.run().status, 0)
  t.same(readdirSync(join(rootfs, host.canary)), ['new'])
  t.notOk(existsSync(join(host.canary, 'new')))
})

attackTest('links with the names of /dev’s own links are replaced inside the root', (t, scope, host) => {
  const container = scope.container((config) => {
    withoutDev(config)
    config.process.args = ['/probe', 'link /dev/fd', 'link /dev/ptmx', 'link /dev/core']
  })
  const dev = join(container.bundle.rootfs, 'dev')
  symlinkSync(host.canary, join(dev, 'fd'))
  symlinkSync(join(host.canary, 'ptmx'), join(dev, 'ptmx'))
  writeFileSync(join(dev, 'core'), 'a file of the image')
  t.equal(container.run().status, 0)
  t.equal(tried(container.report(), 'link /dev/fd').text, '/proc/self/fd')
  t.equal(tried(container.report(), 'link /dev/ptmx').text, 'pts/ptmx')
  t.equal(tried(container.report(), 'link /dev/core').text, '/proc/kcore')
})

attackTest(
  'exchanging /dev with a link during create makes and removes nothing on the host',
  async (t, scope, host) => {
    const container = scope.container((config) => {
      withoutDev(config)
      config.linux.devices = [{ path: '/dev/sub/extra', type: 'c', major: 1, minor: 5 }]
    })
    const { rootfs } = container.bundle
    symlinkSync(host.canary, join(rootfs, 'link'))
    const race = await swapping(scope, join(rootfs, 'dev'), join(rootfs, 'link'))
    await raceCreates(t, container, { usual: 30, look: () => [] })
    await race.stop()
    host.check(t)
  },
)

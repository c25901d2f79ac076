/** Lengths, NUL bytes and numbers that other runtimes' native halves have taken wrong: CVE-2021-43784 (runc). */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attackTest } from '../helpers/attack.js'
import type { Change } from '../helpers/config.js'

const bind =
  (source: string, destination = '/data'): Change =>
  (config) => {
    config.mounts.push({ destination, type: 'bind', source, options: ['bind'] })
  }

const nul = 'a\0b'

const hostile: Readonly<Record<string, Change>> = {
  'a NUL byte in a mount source': bind(`/tmp/${nul}`),
  'a NUL byte in a mount destination': bind('/tmp', `/${nul}`),
  'a NUL byte in a mount type': (config) => config.mounts.push({ destination: '/x', type: nul, source: 'x' }),
  'a NUL byte in a mount option': (config) =>
    config.mounts.push({ destination: '/x', type: 'tmpfs', source: 'x', options: [nul] }),
  'a NUL byte in an argument': (config) => config.process.args.push(nul),
  'a NUL byte in the environment': (config) => config.process.env.push(`NAME=${nul}`),
  'a NUL byte in the working directory': (config) => (config.process.cwd = `/${nul}`),
  'a NUL byte in the host name': (config) => (config.hostname = nul),
  'a NUL byte in a masked path': (config) => (config.linux.maskedPaths = [`/${nul}`]),
  'a NUL byte in a read-only path': (config) => (config.linux.readonlyPaths = [`/${nul}`]),
  'a NUL byte in the cgroup path': (config) => (config.linux.cgroupsPath = `/${nul}`),
  'a NUL byte in the root': (config) => (config.root.path = `rootfs\0`),
  'a NUL byte in a hook': (config) => (config.hooks = { createContainer: [{ path: `/bin/${nul}` }] }),
  'a user id that is no id': (config) => (config.process.user.uid = 4294967295),
  'a user id that is too large': (config) => (config.process.user.uid = 4294967296),
  'a negative user id': (config) => (config.process.user.uid = -1),
  'half a user id': (config) => (config.process.user.uid = 0.5),
  'a group id that is too large': (config) => (config.process.user.additionalGids = [4294967297]),
  'a mount source of 70000 bytes': bind(`/${'s'.repeat(70_000)}`),
  'a mount source of 70000 bytes in parts': bind('/tmp/..'.repeat(10_000)),
  'a mount destination of 70000 bytes': bind('/tmp', `/${'d'.repeat(70_000)}`),
  'a masked path of 70000 bytes': (config) => (config.linux.maskedPaths = [`/${'m/'.repeat(35_000)}`]),
  'a working directory of 70000 bytes': (config) => (config.process.cwd = '/w'.repeat(35_000)),
  'an argument of 200000 bytes': (config) => config.process.args.push('x'.repeat(200_000)),
  'a program of 70000 bytes': (config) => (config.process.args = ['/p'.repeat(35_000)]),
}

for (const [name, change] of Object.entries(hostile)) {
  attackTest(`${name} is refused, and nothing is left`, (t, scope) => {
    const container = scope.container()
    change(container.bundle.config)
    container.rewrite()
    const { status, stderr } = container.run()
    t.equal(status, 1)
    t.match(stderr, /^tsrun/)
    // The encoder refuses them, too, but knows no member's name.
    if (name.includes('NUL')) t.match(stderr, /: must not contain a NUL byte/)
    if (name.includes('NUL') || name.includes('70000') || name.includes(' id')) {
      t.notMatch(stderr, /during container init/, 'before any process is started')
    }
    t.same(scope.leftovers(), [])
  })
}

attackTest('many long strings cross to init whole', (t, scope) => {
  const report = scope.probe((config) => {
    for (let i = 0; i < 10; i++) config.process.env.push(`LONG${i}=${String(i % 10).repeat(100_000)}`)
    config.mounts.push({
      destination: `/${'n'.repeat(255)}/${'m'.repeat(255)}`,
      type: 'tmpfs',
      source: 's'.repeat(255),
    })
  })
  t.equal(report.env.find((entry) => entry.startsWith('LONG9='))?.length, 100_006)
  t.ok(report.mounts.some(({ point }) => point.endsWith('m'.repeat(255))))
})

attackTest('a config.json that names __proto__ and constructor changes no other object', (t, scope) => {
  const { bundle, id } = scope.container()
  const path = join(bundle.path, 'config.json')
  const text = readFileSync(path, 'utf8')
  for (const more of [
    '"__proto__":{"terminal":true,"rootless":true}',
    '"constructor":{"prototype":{"terminal":true}}',
  ]) {
    // The wide integer has the text read by tsrun's own JSON reader.
    for (const integer of ['', ',"annotations":{},"wide":12345678901234567890']) {
      writeFileSync(path, text.replace('{', `{${more}${integer},`))
      t.match(scope.runtime(['run', '--bundle', bundle.path, id]), { status: 0, stderr: '' })
    }
  }
})

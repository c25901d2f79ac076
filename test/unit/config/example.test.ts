import t from 'tap'
import { exampleConfig } from '#dist/config/example.js'
import { parseConfig } from '#dist/config/load.js'
import { problems } from './support.js'

const types = (config: ReturnType<typeof exampleConfig>) => config.linux?.namespaces?.map(({ type }) => type)

t.test('the example loads', async (t) => {
  t.strictSame(await parseConfig(exampleConfig()), exampleConfig())
  t.strictSame(await parseConfig(exampleConfig({ cgroupNamespace: true })), exampleConfig({ cgroupNamespace: true }))
})

t.test('the example runs a shell on a terminal, with few capabilities that no program inherits', (t) => {
  const { process, root, hostname } = exampleConfig()
  const capabilities = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE']
  t.strictSame(process, {
    terminal: true,
    user: { uid: 0, gid: 0 },
    args: ['sh'],
    env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
    cwd: '/',
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
    noNewPrivileges: true,
  })
  t.strictSame(root, { path: 'rootfs', readonly: true })
  t.equal(hostname, 'tsrun')
  t.end()
})

t.test('a cgroup namespace is there when it is asked for', (t) => {
  t.strictSame(types(exampleConfig()), ['pid', 'network', 'ipc', 'uts', 'mount'])
  t.strictSame(types(exampleConfig({ cgroupNamespace: true })), ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'])
  t.end()
})

t.test('the rootless example needs no more than a user namespace with the own ids', async (t) => {
  const config = exampleConfig({ rootless: true, cgroupNamespace: true, uid: 1000, gid: 100 })
  t.strictSame(types(config), ['pid', 'ipc', 'uts', 'mount', 'cgroup', 'user'])
  t.strictSame(config.linux?.uidMappings, [{ containerID: 0, hostID: 1000, size: 1 }])
  t.strictSame(config.linux?.gidMappings, [{ containerID: 0, hostID: 100, size: 1 }])
  t.equal(config.linux?.resources, undefined)
  t.strictSame(
    config.mounts?.find(({ destination }) => destination === '/sys'),
    { destination: '/sys', type: 'none', source: '/sys', options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'] },
  )
  t.notOk(JSON.stringify(config.mounts).includes('gid='))
  t.strictSame(config.mounts?.length, exampleConfig().mounts?.length)
  t.strictSame(await problems(config), [])
})

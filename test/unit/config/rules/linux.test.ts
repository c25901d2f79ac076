import { check, config, type Json, linux } from '../support.js'

const sysctls = (...names: string[]) => ({ sysctl: Object.fromEntries(names.map((name) => [name, '1'])) })
const noSysctl = (name: string, pointer: string, problem: string) =>
  [linux(sysctls(name)), `/linux/sysctl/${pointer}: ${problem}`] as const

check('a sysctl belongs to a namespace of the container', {
  accepted: [
    linux(sysctls('kernel.msgmax', 'kernel.sem', 'kernel.shm_rmid_forced', 'fs.mqueue.msg_max', 'kernel.domainname')),
    linux(sysctls('net.ipv4.ip_forward', 'net/ipv4/ip_forward', 'net.ipv4.conf.eno2/100.mtu', 'net/ipv4/conf/a.1/mtu')),
    config({ linux: { namespaces: [{ type: 'network', path: '/a' }], ...sysctls('net.core.somaxconn') } }),
    config({ linux: { namespaces: [{ type: 'user', path: '/a' }], ...sysctls('user.max_user_namespaces') } }),
  ],
  refused: [
    noSysctl('kernel.core_pattern', 'kernel.core_pattern', 'is not in a separate kernel namespace'),
    noSysctl('vm.swappiness', 'vm.swappiness', 'is not in a separate kernel namespace'),
    noSysctl('kernel.shmall2', 'kernel.shmall2', 'is not in a separate kernel namespace'),
    noSysctl('netfilter', 'netfilter', 'is not in a separate kernel namespace'),
    noSysctl('net', 'net', 'is not in a separate kernel namespace'),
    noSysctl('net/../kernel/core_pattern', 'net~1..~1kernel~1core_pattern', 'is not the name of a kernel parameter'),
    noSysctl('net.//.kernel.core_pattern', 'net.~1~1.kernel.core_pattern', 'is not the name of a kernel parameter'),
    noSysctl('/net/core/somaxconn', '~1net~1core~1somaxconn', 'is not the name of a kernel parameter'),
    noSysctl('net..core', 'net..core', 'is not the name of a kernel parameter'),
    noSysctl('', '', 'is not the name of a kernel parameter'),
    noSysctl('user.max_user_namespaces', 'user.max_user_namespaces', 'is not allowed without a private user namespace'),
    noSysctl('kernel/hostname', 'kernel~1hostname', 'conflicts with the member hostname, which is to be used instead'),
    [
      withNamespacesAndSysctls(),
      '/linux/sysctl/kernel.sem: is not allowed without a private ipc namespace',
      '/linux/sysctl/fs.mqueue.msg_max: is not allowed without a private ipc namespace',
      '/linux/sysctl/net.core.somaxconn: is not allowed without a private network namespace',
      '/linux/sysctl/kernel.domainname: is not allowed without a private uts namespace',
    ],
  ],
})

function withNamespacesAndSysctls(): Json {
  const names = ['kernel.sem', 'fs.mqueue.msg_max', 'net.core.somaxconn', 'kernel.domainname']
  return config({ linux: { namespaces: [{ type: 'pid' }], ...sysctls(...names) } })
}

check('restricted paths are absolute', {
  accepted: [linux({ maskedPaths: ['/proc/kcore'], readonlyPaths: ['/proc/sys'] })],
  refused: [
    [
      linux({ maskedPaths: ['/a', 'proc/kcore'], readonlyPaths: [''] }),
      '/linux/maskedPaths/1: must be an absolute path, found "proc/kcore"',
      '/linux/readonlyPaths/0: must be an absolute path, found ""',
    ],
  ],
})

const withDevice = (device: Json) => linux({ devices: [device] })

check('devices have an absolute path, and numbers unless they are fifos', {
  accepted: [
    withDevice({ type: 'c', path: '/dev/fuse', major: 10, minor: 229, fileMode: 0o20666, uid: 0, gid: 0 }),
    withDevice({ type: 'u', path: '/a', major: 0, minor: 0 }),
    withDevice({ type: 'p', path: '/fifo' }),
  ],
  refused: [
    [
      withDevice({ type: 'b', path: 'dev/sda', minor: 0 }),
      '/linux/devices/0/path: must be an absolute path, found "dev/sda"',
      '/linux/devices/0/major: is missing',
    ],
  ],
})

const withRule = (rule: Json) => linux({ resources: { devices: [rule] } })

check('device rules say which access they mean', {
  accepted: [
    withRule({ allow: false, access: 'rwm' }),
    withRule({ allow: true, type: 'c', major: 10, minor: -1, access: 'mr' }),
    withRule({ allow: true, type: '', access: 'w' }),
  ],
  refused: [
    [withRule({ allow: true }), '/linux/resources/devices/0/access: device access at 0 field cannot be empty'],
    [
      withRule({ allow: true, type: 'u', access: 'rx' }),
      '/linux/resources/devices/0/type: unknown device type "u"; known are a, b, c',
      '/linux/resources/devices/0/access: must consist of the letters r, w, m',
    ],
  ],
})

check('there are no personality flags', {
  accepted: [linux({ personality: { domain: 'LINUX32', flags: [] } }), linux({ personality: { domain: 'LINUX' } })],
  refused: [
    [
      linux({ personality: { domain: 'LINUX', flags: ['ADDR_NO_RANDOMIZE'] } }),
      '/linux/personality/flags/0: unknown personality flag "ADDR_NO_RANDOMIZE"',
    ],
  ],
})

const modes =
  'MPOL_DEFAULT, MPOL_BIND, MPOL_INTERLEAVE, MPOL_WEIGHTED_INTERLEAVE, MPOL_PREFERRED, MPOL_PREFERRED_MANY, MPOL_LOCAL'
const flags = 'MPOL_F_NUMA_BALANCING, MPOL_F_RELATIVE_NODES, MPOL_F_STATIC_NODES'
const withPolicy = (memoryPolicy: Json) => linux({ memoryPolicy })

check('a memory policy has the nodes and flags that its mode can have', {
  accepted: [
    withPolicy({ mode: 'MPOL_DEFAULT' }),
    withPolicy({ mode: 'MPOL_LOCAL', nodes: '' }),
    withPolicy({ mode: 'MPOL_PREFERRED' }),
    withPolicy({ mode: 'MPOL_PREFERRED', nodes: '1' }),
    withPolicy({ mode: 'MPOL_BIND', nodes: ' 0-3, 7,', flags: ['MPOL_F_STATIC_NODES', 'MPOL_F_NUMA_BALANCING'] }),
    withPolicy({ mode: 'MPOL_WEIGHTED_INTERLEAVE', nodes: '0', flags: ['MPOL_F_RELATIVE_NODES'] }),
  ],
  refused: [
    [withPolicy({}), '/linux/memoryPolicy/mode: is missing'],
    [
      withPolicy({ mode: 'MPOL_BEST', nodes: '0', flags: ['MPOL_F_BEST'] }),
      '/linux/memoryPolicy/mode: unknown memory policy mode "MPOL_BEST"; known are ' + modes,
      '/linux/memoryPolicy/flags/0: unknown memory policy flag "MPOL_F_BEST"; known are ' + flags,
    ],
    [withPolicy({ mode: 'MPOL_BIND' }), '/linux/memoryPolicy/nodes: is missing: mode MPOL_BIND needs a node'],
    [
      withPolicy({ mode: 'MPOL_INTERLEAVE', nodes: ', ' }),
      '/linux/memoryPolicy/nodes: is missing: mode MPOL_INTERLEAVE needs a node',
    ],
    [withPolicy({ mode: 'MPOL_LOCAL', nodes: '0' }), '/linux/memoryPolicy/nodes: is not allowed with mode MPOL_LOCAL'],
    ...['a', '3-1', '0-', '1 2', '-1'].map(
      (nodes) =>
        [
          withPolicy({ mode: 'MPOL_BIND', nodes }),
          `/linux/memoryPolicy/nodes: must be a list of memory nodes such as "0-3,7", found ${JSON.stringify(nodes)}`,
        ] as const,
    ),
    [
      withPolicy({ mode: 'MPOL_PREFERRED', flags: ['MPOL_F_STATIC_NODES', 'MPOL_F_RELATIVE_NODES'] }),
      '/linux/memoryPolicy/flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other',
      '/linux/memoryPolicy/flags: need nodes',
    ],
  ],
})

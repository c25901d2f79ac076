import { check, config, type Json, linux } from '../support.js'

const devices = (netDevices: Json) => linux({ netDevices })
const problem = (name: string) =>
  `${JSON.stringify(name)} is not the name of a network device: 1 to 15 bytes without "/", ":", "%" and blanks`

check('network devices need a network namespace', {
  accepted: [
    devices({ eth0: {} }),
    devices({}),
    config({ linux: { netDevices: {} } }),
    config({ linux: { namespaces: [{ type: 'network', path: '/a' }], netDevices: { eth0: { name: '' } } } }),
  ],
  refused: [[config({ linux: { netDevices: { eth0: {} } } }), '/linux/netDevices: needs a network namespace']],
})

check('network devices have names that the kernel takes', {
  accepted: [devices({ 'fifteen-bytes-x': { name: 'eth0.100' }, 'a\\b': { name: 'é' }, '...': {} })],
  refused: [
    ...['.', '..', 'a/b', 'a:b', 'a b', ' ', 'a\n', 'eth%d', 'sixteen-bytes-xx', 'ééééééé1é'].map(
      (name) => [devices({ eth0: { name } }), `/linux/netDevices/eth0/name: ${problem(name)}`] as const,
    ),
    [devices({ 'a:b': {} }), `/linux/netDevices/a:b: ${problem('a:b')}`],
    [devices({ '': {} }), `/linux/netDevices/: ${problem('')}`],
  ],
})

check('no two network devices have one name in the container', {
  accepted: [devices({ a: { name: 'b' }, b: { name: 'a' } })],
  refused: [
    [
      devices({ a: {}, b: { name: 'a' } }),
      '/linux/netDevices/b/name: is the name in the container of network device "a" too',
    ],
    [
      devices({ b: { name: 'a' }, a: {} }),
      '/linux/netDevices/a: is the name in the container of network device "b" too',
    ],
  ],
})

import { check, config, type Json } from '../support.js'

const map = (containerID: number, hostID: number, size: number): Json => ({ containerID, hostID, size })
const mapped = (uidMappings: Json[], gidMappings: Json[] = [map(0, 0, 1)], others: Json = {}): Json =>
  config({ linux: { namespaces: [{ type: 'user' }, { type: 'mount' }], uidMappings, gidMappings }, ...others })

check('ranges of ids do not overlap, inside or outside', {
  accepted: [mapped([map(0, 1000, 1), map(1, 100000, 10), map(11, 100010, 10)])],
  refused: [
    [
      mapped([map(0, 1000, 5), map(9, 100, 1), map(4, 200, 1)]),
      '/linux/uidMappings/2: overlaps /linux/uidMappings/0 in the container ids',
    ],
    [
      mapped([map(0, 0, 1)], [map(0, 1000, 5), map(5, 999, 2)]),
      '/linux/gidMappings/1: overlaps /linux/gidMappings/0 in the host ids',
    ],
  ],
})

check('a range has at least one id, and none above the highest', {
  accepted: [mapped([map(0, 0, 4294967295)])],
  refused: [
    [mapped([map(0, 0, 1), map(5, 5, 0)]), '/linux/uidMappings/1/size: must not be 0'],
    [
      mapped([map(0, 4294967290, 10)]),
      '/linux/uidMappings/0: reaches up to host id 4294967299, the highest is 4294967294',
    ],
    [
      mapped([map(0, 0, 1), map(4294967295, 5, 1)]),
      '/linux/uidMappings/1: reaches up to container id 4294967295, the highest is 4294967294',
    ],
  ],
})

check('there are no more ranges than the kernel takes', {
  accepted: [mapped(Array.from({ length: 340 }, (_, at) => map(at, at, 1)))],
  refused: [
    [
      mapped(Array.from({ length: 341 }, (_, at) => map(at, at, 1))),
      '/linux/uidMappings: has 341 mappings, the kernel takes 340',
    ],
  ],
})

check('root and the users of the config are mapped in a new user namespace', {
  accepted: [
    mapped([map(0, 1000, 10)], [map(0, 1000, 10)], {
      process: { cwd: '/', args: ['a'], user: { uid: 9, gid: 9, additionalGids: [0] } },
    }),
    config({
      linux: {
        namespaces: [{ type: 'user', path: '/a' }],
        uidMappings: [map(5, 1000, 1)],
        gidMappings: [map(5, 1, 1)],
      },
    }),
  ],
  refused: [
    [mapped([map(1, 1000, 1)]), '/linux/uidMappings: must map container id 0'],
    [
      mapped([map(0, 1000, 1)], [map(0, 1000, 5)], {
        process: { cwd: '/', args: ['a'], user: { uid: 1, gid: 5, additionalGids: [4, 6] } },
        mounts: [{ destination: '/dev/pts', type: 'devpts', options: ['gid=5', 'uid=0', 'mode=5'] }],
      }),
      '/process/user/uid: uid 1 is not in /linux/uidMappings',
      '/process/user/gid: gid 5 is not in /linux/gidMappings',
      '/process/user/additionalGids/1: gid 6 is not in /linux/gidMappings',
      '/mounts/0/options/0: gid 5 is not in /linux/gidMappings',
    ],
  ],
})

import { check, type Json, linux } from '../support.js'

const maps = (...ranges: [number, number, number][]) =>
  ranges.map(([containerID, hostID, size]) => ({ containerID, hostID, size }))

const withMount = (mount: Json) => linux({}, { mounts: [{ destination: '/a', source: '/b', type: 'bind', ...mount }] })

const mapped = (...ranges: [number, number, number][]) =>
  withMount({ options: ['idmap'], uidMappings: maps(...ranges), gidMappings: maps([0, 0, 1]) })

check('an id-mapped mount has mappings, and is a mount that can have them', {
  accepted: [
    mapped([0, 1000, 10]),
    withMount({ options: ['ridmap=uids=0-1-2;gids=0-1-2'] }),
    linux(
      { namespaces: [{ type: 'mount' }, { type: 'user', path: '/proc/1/ns/user' }] },
      { mounts: [{ destination: '/a', source: '/b', type: 'bind', options: ['idmap'] }] },
    ),
  ],
  refused: [
    [
      withMount({ options: ['bind', 'idmap'] }),
      '/mounts/0/options/1: needs mappings, or a user namespace of the container whose mappings it could take',
    ],
    [withMount({ gidMappings: maps([0, 0, 1]) }), '/mounts/0/uidMappings: is missing: the other mappings are given'],
    [withMount({ type: 'cgroup', options: ['idmap=uids=0-1-2;gids=0-1-2'] }), '/mounts/0/type: cgroup takes no idmap'],
    [
      withMount({ options: ['remount', 'idmap=uids=0-1-2;gids=0-1-2'] }),
      '/mounts/0/options: what is mounted already takes no idmap',
    ],
  ],
})

check('the mappings of a mount are ranges that the kernel takes', {
  accepted: [mapped([0, 10, 10], [10, 0, 10]), mapped([4294967294, 0, 1])],
  refused: [
    [mapped([0, 1, 0]), '/mounts/0/uidMappings/0: 0-1-0: the size must not be 0'],
    [
      mapped([0, 4294967290, 10]),
      '/mounts/0/uidMappings/0: 0-4294967290-10 reaches up to host id 4294967299, the highest is 4294967294',
    ],
    [
      mapped([0, 100, 10], [20, 300, 5], [5, 304, 2]),
      '/mounts/0/uidMappings/2: 5-304-2 overlaps 0-100-10 in the container ids',
      '/mounts/0/uidMappings/2: 5-304-2 overlaps 20-300-5 in the host ids',
    ],
    [
      mapped(...Array.from({ length: 341 }, (_, i): [number, number, number] => [i, i, 1])),
      '/mounts/0/uidMappings: has 341 mappings, the kernel takes 340',
    ],
    [
      withMount({ options: ['bind', 'idmap=uids=0-1-2#1-8-2;gids=0-0-1'] }),
      '/mounts/0/options/1: 1-8-2 overlaps 0-1-2 in the container ids',
    ],
  ],
})

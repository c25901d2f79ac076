import t from 'tap'
import { mountIdMap } from '#dist/config/id-map.js'
import type { Linux, Mount } from '#dist/config/types.js'

const maps = (...ranges: [number, number, number][]) =>
  ranges.map(([containerID, hostID, size]) => ({ containerID, hostID, size }))

const own = maps([0, 100_000, 1000], [1000, 5000, 10])
const mapped: Linux = { namespaces: [{ type: 'user' }], uidMappings: own, gidMappings: own }

/** The id map of a bind mount, or the problems. */
function idMap(members: Partial<Mount>, linux?: Linux): unknown {
  const problems: string[] = []
  const mount = { destination: '/a', source: '/b', ...members }
  const map = mountIdMap(mount, linux, (at, message) => problems.push(`${at.join('/')}: ${message}`))
  return problems.length > 0 ? problems : map
}

t.test('a mount that asks for none has none', async (t) => {
  t.equal(idMap({}), undefined)
  t.equal(idMap({ options: ['bind', 'ro'], uidMappings: [], gidMappings: [] }, mapped), undefined)
})

t.test('its own mappings come first, then those of the container’s user namespace', async (t) => {
  const members = { uidMappings: maps([0, 1, 2]), gidMappings: maps([3, 4, 5]) }
  t.strictSame(idMap(members), { recursive: false, ...members })
  t.strictSame(idMap({ ...members, options: ['ridmap'] }, mapped), { recursive: true, ...members })
  t.strictSame(idMap({ ...members, options: ['ridmap', 'idmap'] }, mapped), { recursive: true, ...members })
  t.strictSame(idMap({ options: ['idmap'] }, mapped), { recursive: false, uidMappings: own, gidMappings: own })
  const path = '/proc/7/ns/user'
  const joined: Linux = { namespaces: [{ type: 'user', path }] }
  t.strictSame(idMap({ options: ['idmap'] }, joined), {
    ...{ recursive: false, userNamespace: path, uidMappings: [], gidMappings: [] },
  })
})

t.test('maps in the option', async (t) => {
  const read = (maps: string) => idMap({ options: ['bind', `idmap=${maps}`] }, mapped)
  t.strictSame(read('uids=0-1-10#10-11-10;gids=0-100-10'), {
    recursive: false,
    uidMappings: maps([0, 1, 10], [10, 11, 10]),
    gidMappings: maps([0, 100, 10]),
  })
  t.strictSame(read('uids=@0-7-10#@5-1003-2'), {
    recursive: false,
    uidMappings: maps([0, 100_007, 10], [5, 5003, 2]),
    gidMappings: own,
  })
})

t.test('what cannot be told is a problem with its place', async (t) => {
  const uidMappings = own
  const bad = (text: string) => `options/0: ${JSON.stringify(text)} is not of the form ID-ID-SIZE or @ID-ID-SIZE`
  const outside = (text: string) =>
    `options/0: ${JSON.stringify(text)} is not within one mapping of the container's user namespace`
  const cases: [Partial<Mount>, Linux | undefined, string[]][] = [
    [{ uidMappings }, mapped, ['gidMappings: is missing: the other mappings are given']],
    [
      { options: ['idmap'] },
      undefined,
      ['options/0: needs mappings, or a user namespace of the container whose mappings it could take'],
    ],
    [
      { options: ['ro', 'idmap=gids=0-1-2'] },
      { namespaces: [{ type: 'user', path: '/a' }] },
      ['options/1: needs uids, or a user namespace of the container whose mappings it could take'],
    ],
    [{ options: ['idmap=uids=0-1'] }, mapped, [bad('0-1')]],
    [{ options: ['idmap=uids=0-1-4294967296;gids='] }, mapped, [bad('0-1-4294967296'), bad('')]],
    [{ options: ['idmap='] }, mapped, ['options/0: "" is neither uids=… nor gids=…']],
    [{ options: ['idmap=uids=@0-995-10#@0-2000-1'] }, mapped, [outside('@0-995-10'), outside('@0-2000-1')]],
    [
      { options: ['idmap=uids=0-1-2'], uidMappings, gidMappings: own },
      mapped,
      ['options/0: has mappings, and the mount has uidMappings or gidMappings too'],
    ],
  ]
  for (const [members, linux, expected] of cases) t.strictSame(idMap(members, linux), expected, JSON.stringify(members))
})

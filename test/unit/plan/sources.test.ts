import t from 'tap'
import { compileSources } from '#dist/plan/sources.js'
import { cloneFlag } from '#dist/config/vocabulary/namespaces.js'
import { config, names, plan, stepsOf, unifiedHost, usualNamespaces } from './support.js'

const maps = [{ containerID: 0, hostID: 1000, size: 10 }]
const mapped = {
  namespaces: [...usualNamespaces, { type: 'user' as const }],
  uidMappings: maps,
  gidMappings: maps,
}
const bind = { destination: '/data', type: 'bind', source: '/srv' }
const idMapped = { ...bind, options: ['rbind', 'ridmap'], uidMappings: maps, gidMappings: maps }

t.test('without a user namespace the parent has no part in plain mounts', (t) => {
  const { sources, steps } = plan(config({ linux: { namespaces: usualNamespaces }, mounts: [bind] }))
  t.strictSame(sources, [])
  t.match(stepsOf(steps, 'mountBind'), [{ parentSource: 0, idMapped: false }])
  t.match(stepsOf(steps, 'rootfs'), [{ parentSource: 0 }])
  t.end()
})

t.test('the mapped root may need help with the rootfs and with what it binds', (t) => {
  const mounts = [bind, { destination: '/tmp', type: 'tmpfs' }, { ...bind, destination: '/more', source: 'relative' }]
  const { sources, steps } = plan(config({ linux: mapped, mounts }))
  t.match(sources, [
    { destination: '/', source: '/bundle/rootfs', idMap: undefined },
    { destination: '/data', source: '/srv', recursive: false, idMap: undefined },
    { destination: '/more', source: '/bundle/relative' },
  ])
  t.match(stepsOf(steps, 'rootfs'), [{ parentSource: 1 }])
  t.match(stepsOf(steps, 'mountBind'), [
    { parentSource: 2, idMapped: false },
    { parentSource: 3, idMapped: false },
  ])
  t.match(stepsOf(steps, 'mountFilesystem'), [{ parentSource: 0 }])
  t.end()
})

t.test('nothing is lent in a mount namespace that others have filled, nor by a user who has no more rights', (t) => {
  const namespaces = [{ type: 'mount' as const, path: '/proc/7/ns/mnt' }, { type: 'user' as const }]
  t.strictSame(plan(config({ linux: { ...mapped, namespaces }, mounts: [bind] })).sources, [])
  const facts = { ...unifiedHost, euid: 1000 }
  t.strictSame(plan(config({ linux: mapped, mounts: [bind] }), { facts }).sources, [])
  t.end()
})

t.test('an id-mapped mount always goes through the parent, and takes root', (t) => {
  const tmpfs = { destination: '/tmp', type: 'tmpfs', options: ['idmap=uids=0-1-2;gids=0-3-4'] }
  const value = config({ linux: { namespaces: usualNamespaces }, mounts: [idMapped, tmpfs] })
  const { sources, steps } = plan(value)
  t.match(sources, [
    { source: '/srv', type: '', recursive: true, idMap: { recursive: true, uidMappings: maps } },
    { source: '', type: 'tmpfs', idMap: { recursive: false } },
  ])
  t.match(stepsOf(steps, 'mountBind'), [{ parentSource: 1, idMapped: true }])
  t.match(stepsOf(steps, 'mountFilesystem'), [{ parentSource: 2, idMapped: true, options: [] }])
  const namespaces = [...usualNamespaces, { type: 'user' as const, path: '/proc/7/ns/user' }]
  const asUser = config({ linux: { namespaces }, mounts: [idMapped, tmpfs] })
  t.throws(() => plan(asUser, { facts: { ...unifiedHost, euid: 1000 } }), {
    code: 'ERR_TSRUN_UNSUPPORTED',
    message: '/data: an id-mapped mount takes the rights of root over its file system',
  })
  t.end()
})

t.test('the helper enters the mount namespace, and then waits for questions in the order of the plan', (t) => {
  const { sources } = plan(config({ linux: mapped, mounts: [bind, { ...bind, options: ['idmap'] }] }))
  const { steps } = compileSources(sources)
  t.strictSame(names(steps), ['enterNamespaces', 'openSource', 'openSource', 'openSource', 'leave'])
  t.match(steps[0], { types: cloneFlag.mount, procfs: true })
  t.match(stepsOf(steps, 'openSource'), [
    { number: 1, rootfs: true, source: '/bundle/rootfs', idMapped: false },
    { number: 2, rootfs: false, source: '/srv', idMapped: false, uidMap: '' },
    { number: 3, rootfs: false, source: '/srv', idMapped: true, mapBelow: false, uidMap: '0 1000 10\n' },
  ])
  t.end()
})

t.test('a user namespace that is joined is opened while its path is in reach', (t) => {
  const path = '/proc/7/ns/user'
  const namespaces = [{ type: 'mount' as const }, { type: 'user' as const, path }]
  const { sources } = plan(config({ linux: { namespaces }, mounts: [{ ...bind, options: ['idmap'] }] }))
  const { steps } = compileSources(sources)
  t.match(steps[0], { op: 'openUserNamespace', path })
  t.match(stepsOf(steps, 'openSource').at(-1), { idMapped: true, uidMap: '', gidMap: '' })
  t.end()
})

/** config.json: mounts with idmap and ridmap, uidMappings and gidMappings of mounts, and crun's maps in the option. */
import { join } from 'node:path'
import { Runtime, type Config } from 'tsrun'
import { mapIds, setNamespace, type Change } from '../helpers/config.js'
import { bind, both, fill, makeSource, owners, seen } from '../helpers/id-maps.js'
import { tried } from '../helpers/probe.js'
import { test } from '../helpers/test.js'

const hostID = 100_000
const overflow = 65_534

const looks = ['stat /dev/data/root', 'stat /dev/data/other']

test('idmap gives the container’s own mappings: files have their owners inside, and new ones outside', (t, scope) => {
  const source = makeSource(scope)
  const container = (options: string[]) =>
    scope.probe(
      (config) => {
        mapIds(config, hostID)
        config.mounts.push(bind(source, { options }))
      },
      ...looks,
      `write /dev/data/new-${options.length} x`,
    )
  const plain = container(['bind'])
  t.same(seen(plain, '/dev/data/root'), [overflow, overflow])
  t.same(owners(join(source, 'new-1')), [hostID, hostID])
  const mapped = container(['bind', 'idmap'])
  t.same(seen(mapped, '/dev/data/root'), [0, 0])
  t.same(seen(mapped, '/dev/data/other'), [5, 6])
  t.equal(tried(mapped, 'write /dev/data/new-2 x').error, '')
  t.same(owners(join(source, 'new-2')), [0, 0])
})

test('uidMappings and gidMappings of a mount count, with and without a user namespace', (t, scope) => {
  const source = makeSource(scope)
  const uidMappings = [{ containerID: 0, hostID: 1000, size: 10 }]
  const own: Change = (config) => {
    config.mounts.push(bind(source, { options: ['bind', 'idmap'], uidMappings, gidMappings: uidMappings }))
  }
  const alone = scope.probe(own, ...looks, 'write /dev/data/new x')
  t.same(seen(alone, '/dev/data/root'), [1000, 1000])
  t.same(seen(alone, '/dev/data/other'), [1005, 1006])
  t.equal(tried(alone, 'write /dev/data/new x').error, 'EOVERFLOW', 'root of the host has no id on this mount')
  const asUser = scope.probe((config) => {
    own(config)
    config.process.user = { uid: 1003, gid: 1004 }
  }, 'write /dev/data/mine x')
  t.equal(tried(asUser, 'write /dev/data/mine x').error, '')
  t.same(owners(join(source, 'mine')), [3, 4])
  const inside = scope.probe(
    (config) => {
      mapIds(config, hostID)
      config.mounts.push(bind(source, { options: ['bind', 'idmap'], ...both([5, hostID + 70, 2]) }))
    },
    ...looks,
  )
  t.same(seen(inside, '/dev/data/root'), [overflow, overflow])
  t.same(seen(inside, '/dev/data/other'), [70, 71])
})

test('mappings of a mount count also without the option', (t, scope) => {
  const source = makeSource(scope)
  const report = scope.probe(
    (config) => {
      config.mounts.push(bind(source, { options: ['rbind'], ...both([0, 1000, 10]) }))
    },
    ...looks,
  )
  t.same(seen(report, '/dev/data/other'), [1005, 1006])
})

test('each mount has mappings of its own', (t, scope) => {
  const source = makeSource(scope)
  const report = scope.probe(
    (config) => {
      mapIds(config, hostID)
      for (let i = 0; i < 5; i++) {
        const members = i === 2 ? {} : both([0, hostID + 10 * i, 10])
        config.mounts.push(bind(source, { destination: `/dev/data${i}`, options: ['bind', 'idmap'], ...members }))
      }
    },
    ...Array.from({ length: 5 }, (_, i) => `stat /dev/data${i}/other`),
  )
  t.same(
    Array.from({ length: 5 }, (_, i) => seen(report, `/dev/data${i}/other`)),
    [[5, 6], [15, 16], [5, 6], [35, 36], [45, 46]], // prettier-ignore
  )
})

test('idmap is for the one mount, ridmap also for those below it', (t, scope) => {
  const source = scope.mountTmpfs('source')
  fill(source)
  fill(scope.mountTmpfs('source/below'))
  const report = scope.probe(
    (config) => {
      mapIds(config, hostID)
      for (const option of ['idmap', 'ridmap']) {
        config.mounts.push(bind(source, { destination: `/dev/${option}`, options: ['rbind', option] }))
      }
    },
    ...['idmap', 'ridmap'].flatMap((name) => [`stat /dev/${name}/other`, `stat /dev/${name}/below/other`]),
  )
  t.same(seen(report, '/dev/idmap/other'), [5, 6])
  t.same(seen(report, '/dev/idmap/below/other'), [overflow, overflow])
  t.same(seen(report, '/dev/ridmap/other'), [5, 6])
  t.same(seen(report, '/dev/ridmap/below/other'), [5, 6])
})

const crunMaps: readonly [option: string, root: [number, number], other: [number, number]][] = [
  ['idmap=uids=0-1-10;gids=0-100-10', [overflow, overflow], [overflow, overflow]],
  [`idmap=uids=0-${hostID + 1}-10;gids=0-${hostID + 50}-10`, [1, 50], [6, 56]],
  [`idmap=uids=0-${hostID}-1#5-${hostID + 99}-1;gids=6-${hostID}-1`, [0, overflow], [99, 0]],
  ['idmap=uids=@0-7-10;gids=@0-8-10', [7, 8], [12, 14]],
  [`idmap=uids=@0-20-1#5-${hostID + 30}-1;gids=0-${hostID}-10`, [20, 0], [30, 6]],
  ['idmap=uids=@0-7-10', [7, 0], [12, 6]],
  ['ridmap=gids=@0-7-10', [0, 7], [5, 13]],
]

test(
  'maps in the option: ids of the host, or with @ those of the container; what is left out is the container’s',
  (t, scope) => {
    const source = makeSource(scope)
    const report = scope.probe(
      (config) => {
        mapIds(config, hostID)
        crunMaps.forEach(([option], i) => {
          config.mounts.push(bind(source, { destination: `/dev/data${i}`, options: ['bind', option] }))
        })
      },
      ...crunMaps.flatMap((_, i) => [`stat /dev/data${i}/root`, `stat /dev/data${i}/other`]),
    )
    crunMaps.forEach(([option, root, other], i) => {
      t.same(seen(report, `/dev/data${i}/root`), root, option)
      t.same(seen(report, `/dev/data${i}/other`), other, option)
    })
  },
  { needs: ['tsrun'] },
)

test(
  'maps in the option need no user namespace',
  (t, scope) => {
    const source = makeSource(scope)
    const report = scope.probe(
      (config) => {
        config.mounts.push(bind(source, { options: ['bind', 'idmap=uids=0-1000-10;gids=0-2000-10'] }))
      },
      ...looks,
    )
    t.same(seen(report, '/dev/data/other'), [1005, 2006])
  },
  { needs: ['tsrun'] },
)

test('in a user namespace that is joined by path the mappings are those of that namespace', (t, scope) => {
  const source = makeSource(scope)
  const holder = scope.container((config) => {
    mapIds(config, hostID)
    config.process.args = ['/probe', 'wait']
  })
  t.equal(holder.run(['--detach']).status, 0)
  const report = scope.probe(
    (config) => {
      mapIds(config, hostID)
      delete config.linux.uidMappings
      delete config.linux.gidMappings
      setNamespace(config, 'user', `/proc/${holder.state().pid}/ns/user`)
      config.mounts.push(bind(source, { options: ['bind', 'idmap'] }))
      config.mounts.push(
        bind(source, { destination: '/dev/own', options: ['bind', 'idmap'], ...both([0, hostID + 9, 9]) }),
      )
      config.mounts.push(bind(source, { destination: '/dev/again', options: ['bind', 'idmap'] }))
    },
    ...looks,
    'stat /dev/own/other',
    'stat /dev/again/other',
  )
  t.same(seen(report, '/dev/data/root'), [0, 0])
  t.same(seen(report, '/dev/data/other'), [5, 6])
  t.same(seen(report, '/dev/own/other'), [14, 15])
  t.same(seen(report, '/dev/again/other'), [5, 6])
})

test(
  'a single file can be id-mapped, and a new tmpfs',
  (t, scope) => {
    const source = makeSource(scope)
    const report = scope.probe(
      (config) => {
        config.mounts.push(
          bind(join(source, 'other'), { destination: '/dev/file', options: ['bind', 'idmap'], ...both([5, 50, 5]) }),
          { destination: '/dev/tmpfs', type: 'tmpfs', source: 'tmpfs', options: ['idmap'], ...both([0, 1000, 5]) },
        )
      },
      'stat /dev/file',
      'stat /dev/tmpfs',
    )
    t.same(seen(report, '/dev/file'), [50, 51])
    t.same(seen(report, '/dev/tmpfs'), [1000, 1000])
  },
  { needs: ['tsrun'] },
)

test(
  'the library makes id-mapped mounts as well, without a process that stays',
  async (t, scope) => {
    const source = makeSource(scope)
    const { bundle, id } = scope.container((config) => {
      config.process.args = ['/bin/sh', '-c', 'test "$(stat -c %u /dev/data/other)" = 1005']
      config.mounts.push(bind(source, { options: ['bind', 'idmap'], ...both([0, 1000, 10]) }))
    })
    const runtime = new Runtime({ root: scope.root })
    const config: Config = bundle.config
    const container = await runtime.create(id, { bundle: bundle.path, config })
    await container.start()
    t.match(await container.wait(), { code: 0, signal: null })
    await container.delete()
  },
  { needs: ['tsrun'] },
)

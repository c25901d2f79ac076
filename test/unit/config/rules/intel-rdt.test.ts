import { check, type Json, linux } from '../support.js'

const rdt = (intelRdt: Json) => linux({ intelRdt })

check('a closID is the name of a group', {
  accepted: [
    rdt({}),
    rdt({ closID: '' }),
    rdt({ closID: '/' }),
    rdt({ closID: 'a.b' }),
    rdt({ enableMonitoring: true }),
  ],
  refused: ['a/b', '/a', '..', '.', 'info', 'mon_groups', 'mon_data', 'a\n'].map(
    (closID) =>
      [rdt({ closID }), `/linux/intelRdt/closID: ${JSON.stringify(closID)} is not the name of a group`] as const,
  ),
})

check('schemata are lines', {
  accepted: [rdt({ l3CacheSchema: 'L3CODE:0=f\nL3DATA:0=3', memBwSchema: 'MB:0=10', schemata: ['L2:0=f', 'L3:0=f'] })],
  refused: [
    ...['L3:0=f', 'MB:0=1\nL3:0=1', ' MB:0=1'].map(
      (memBwSchema) =>
        [
          rdt({ memBwSchema }),
          `/linux/intelRdt/memBwSchema: must be one line that begins with "MB:", found ${JSON.stringify(memBwSchema)}`,
        ] as const,
    ),
    [rdt({ schemata: ['L3:0=f', 'L3:0=f\nMB:0=10'] }), '/linux/intelRdt/schemata/1: must be one line'],
  ],
})

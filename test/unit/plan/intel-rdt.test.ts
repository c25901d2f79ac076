import t from 'tap'
import { UnsupportedError } from '#dist/errors.js'
import { missingSchema, planSchemata } from '#dist/plan/intel-rdt.js'
import { printPlan } from '#dist/plan/print.js'
import type { IntelRdt } from '#dist/config/types.js'
import { linux, plan, unifiedHost } from './support.js'

const facts = { ...unifiedHost, resctrl: '/resctrl' }
const rdt = (intelRdt: IntelRdt) => plan(linux({ intelRdt }), { facts })

t.test('closID and schemata decide which group it is, and what becomes of it', (t) => {
  const root = '/resctrl'
  const cases: [IntelRdt, object][] = [
    [{}, { root, group: '/resctrl/demo', mode: 'make', schemata: [] }],
    [{ closID: 'gold' }, { root, group: '/resctrl/gold', mode: 'join', schemata: [] }],
    [
      { closID: '/', schemata: [] },
      { root, group: '/resctrl', mode: 'join', schemata: [] },
    ],
    [
      { closID: 'gold', schemata: ['a', 'b'] },
      { root, group: '/resctrl/gold', mode: 'share', schemata: ['a\nb'] },
    ],
    [
      { closID: 'gold', enableMonitoring: true },
      { root, group: '/resctrl/gold', mode: 'join', schemata: [], monitor: '/resctrl/gold/mon_groups/demo' },
    ],
  ]
  for (const [config, expected] of cases) t.strictSame(rdt(config).intelRdt, expected)
  t.equal(plan(linux(), { facts }).intelRdt, undefined)
  t.match(
    printPlan(rdt({ memBwSchema: 'MB:0=10', enableMonitoring: true })),
    /intelRdt +make \/resctrl\/demo\nintelRdt +schemata=MB:0=10\nintelRdt +monitor \/resctrl\/demo\/mon_groups\/demo\n/,
  )
  t.end()
})

t.test('without resctrl it is refused', (t) => {
  t.throws(() => plan(linux({ intelRdt: {} })), UnsupportedError)
  t.end()
})

t.test('schemata are written in the order of the spec', (t) => {
  t.strictSame(planSchemata({ schemata: ['c', 'd'], memBwSchema: 'MB:0=1', l3CacheSchema: 'L3:0=1\n MB:0=2' }), [
    'L3:0=1',
    'MB:0=1',
    'c\nd',
  ])
  t.strictSame(planSchemata({ l3CacheSchema: 'MB:0=2\nL3:0=1' }), ['MB:0=2\nL3:0=1'])
  t.strictSame(planSchemata({}), [])
  t.end()
})

t.test('a group has a schema when each of its values is there, in whatever way the kernel prints it', (t) => {
  const found = '    L3:0=0f;1=ff\n    MB:0=  20;1= 100\n'
  t.equal(missingSchema(['L3:0=F', 'MB:1=100;0=20'], found), undefined)
  t.equal(missingSchema(['L3:0=1', 'L3:0=f'], found), undefined, 'what comes later counts')
  t.equal(missingSchema(['L3:0=f;1=0'], found), 'L3:1=0')
  t.equal(missingSchema(['L2:0=f'], found), 'L2:0=f')
  t.equal(missingSchema(['L3:2=f'], found), 'L3:2=f')
  t.end()
})

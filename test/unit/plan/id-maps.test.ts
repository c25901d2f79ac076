import t from 'tap'
import { planEvent } from '#dist/plan/steps.js'
import type { Config, IDMapping } from '#dist/config/types.js'
import { linux, names, plan, processOf, stepsOf, unifiedHost, usualNamespaces } from './support.js'

const user = { facts: { ...unifiedHost, euid: 1000, egid: 100 } }

const mapped = (gidMappings: IDMapping[], additionalGids: number[] = []): Config => ({
  ...linux({
    namespaces: [...usualNamespaces, { type: 'user' }],
    uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
    gidMappings,
  }),
  process: processOf({ user: { uid: 0, gid: 0, additionalGids } }),
})
const ownGroup = [{ containerID: 0, hostID: 100, size: 1 }]
const manyGroups = [...ownGroup, { containerID: 1, hostID: 200000, size: 10 }]

t.test('who maps only the own group gives up setgroups', (t) => {
  t.equal(plan(mapped(ownGroup), user).denySetgroups, true)
  t.equal(plan(mapped(manyGroups), user).denySetgroups, undefined)
  t.equal(plan(mapped([{ containerID: 0, hostID: 101, size: 1 }]), user).denySetgroups, undefined)
  t.equal(plan(mapped(ownGroup)).denySetgroups, undefined, 'root need not')
  t.end()
})

t.test('and cannot have additional groups', (t) => {
  t.throws(() => plan(mapped(ownGroup, [0]), user), {
    code: 'ERR_TSRUN_CONFIG',
    message: /\/process\/user\/additionalGids/,
  })
  t.doesNotThrow(() => plan(mapped(manyGroups, [1]), user))
  t.doesNotThrow(() => plan(mapped(ownGroup, [0])))
  t.end()
})

t.test('who is not root needs a user namespace', (t) => {
  t.throws(() => plan(linux(), user), { code: 'ERR_TSRUN_CONFIG', message: /\/linux\/namespaces: .*uid 1000/ })
  const joined = linux({ namespaces: [...usualNamespaces, { type: 'user', path: '/proc/1/ns/user' }] })
  t.notOk('uidMappings' in plan(joined, user))
  t.end()
})

t.test('init opens its files to a parent who is not root, while that writes the maps', (t) => {
  const open = (others?: typeof user) =>
    stepsOf(plan(mapped(ownGroup), others).steps, 'barrier').map((step) => [step.event, step.open])
  t.strictSame(open(user), [
    [planEvent.namespaces, true],
    [planEvent.created, false],
  ])
  t.strictSame(open(), [
    [planEvent.namespaces, false],
    [planEvent.created, false],
  ])
  t.end()
})

t.test('the oom score is the first that init sets, and only when it is given', (t) => {
  const { steps } = plan({ ...linux(), process: processOf({ oomScoreAdj: -5 }) })
  t.strictSame(steps[0], { op: 'oomScoreAdj', value: 0xfffffffb })
  t.notOk(names(plan(linux()).steps).includes('oomScoreAdj'))
  t.end()
})

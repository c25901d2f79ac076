/** Device rules: from the config to rules, and to the list of cgroup v1. */
import t from 'tap'
import { formatRule, planDeviceRules } from '#dist/plan/resources/devices.js'
import { deviceWrites } from '#dist/plan/resources/v1.js'

const defaults = [
  ...['c *:* m', 'b *:* m', 'c 1:3 rwm', 'c 1:8 rwm', 'c 1:7 rwm', 'c 5:0 rwm', 'c 1:5 rwm', 'c 1:9 rwm'],
  ...['c 136:* rwm', 'c 5:2 rwm', 'c 10:200 rwm'],
].map((rule) => `allow ${rule}`)

type Linux = Parameters<typeof planDeviceRules>[0]
type Rules = NonNullable<NonNullable<Linux>['resources']>['devices']

const planned = (linux: Linux) =>
  planDeviceRules(linux).map((rule) => `${rule.allow ? 'allow' : 'deny'} ${formatRule(rule)}`)

t.test('without rules of the config there are the default ones', async (t) => {
  t.strictSame(planned(undefined), defaults)
  t.strictSame(planned({ resources: {} }), defaults)
})

t.test('rules of the config keep their order and come before the default ones', async (t) => {
  const devices: Rules = [
    { allow: false, access: 'rwm' },
    { allow: true, type: 'c', major: 10, minor: 229, access: 'mwr' },
    { allow: true, type: 'b', major: 8, access: 'r' },
    { allow: false, type: '', minor: 3, access: 'w' },
  ]
  const own = ['deny a *:* rwm', 'allow c 10:229 rwm', 'allow b 8:* r', 'deny a *:3 w']
  t.strictSame(planned({ resources: { devices } }), [...own, ...defaults])
})

t.test('a device of the config in the place of a default one takes its rule away', async (t) => {
  const rules = planned({ devices: [{ type: 'c', path: '/dev//zero', major: 1, minor: 11 }] })
  t.strictSame(
    rules,
    defaults.filter((rule) => !rule.includes(' 1:5 ')),
  )
})

t.test('numbers that no device has make no rule, least of all one for every number', async (t) => {
  const devices: Rules = [
    { allow: true, type: 'c', major: 0xffffffff, minor: 0, access: 'rwm' },
    { allow: true, type: 'c', major: 1, minor: 0xffffffff, access: 'rwm' },
  ]
  t.strictSame(planned({ resources: { devices } }), defaults)
})

const writes = (rules: NonNullable<Rules>) => {
  const own = planDeviceRules({ resources: { devices: rules } }).slice(0, rules.length)
  return deviceWrites('devices', own).map(({ file, value }) => `${file} ${value}`)
}

t.test('cgroup v1 gets a default and exceptions of one kind', async (t) => {
  const denyAll = { allow: false, access: 'rwm' }
  const zero = { type: 'c', major: 1, minor: 5 }
  t.strictSame(writes([denyAll]), ['devices.deny a'])
  t.strictSame(writes([]), ['devices.deny a'], 'what no rule mentions is denied')
  t.strictSame(writes([denyAll, { allow: true, ...zero, access: 'rw' }]), ['devices.deny a', 'devices.allow c 1:5 rw'])
  t.strictSame(writes([{ allow: true, ...zero, access: 'rw' }, denyAll]), ['devices.deny a'], 'the last one decides')
  t.strictSame(
    writes([
      { allow: true, access: 'rwm' },
      { allow: false, type: 'b', major: 8, access: 'w' },
      { allow: false, access: 'm' },
    ]),
    ['devices.allow a', 'devices.deny b 8:* w\nb *:* m\nc *:* m'],
  )
  t.strictSame(
    writes([denyAll, { allow: true, ...zero, access: 'rwm' }, { allow: false, type: 'c', access: 'w' }]),
    ['devices.deny a', 'devices.allow c 1:5 rm'],
    'a wider rule takes from a narrower one',
  )
})

t.test('what cgroup v1 cannot express is an error, not a wider permission', async (t) => {
  const rules = [
    { allow: false, access: 'rwm' },
    { allow: true, type: 'c', access: 'rwm' },
    { allow: false, type: 'c', major: 1, minor: 5, access: 'r' },
  ]
  t.throws(() => writes(rules), {
    code: 'ERR_TSRUN_UNSUPPORTED',
    message: 'cgroup v1 cannot have the device rule "c 1:5 r" within "c *:* rwm"',
  })
})

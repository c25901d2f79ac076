import t from 'tap'
import { UnsupportedError } from '#dist/errors.js'
import { printPlan } from '#dist/plan/print.js'
import { linux, names, plan, unifiedHost } from './support.js'

const withDevices = linux({ netDevices: { eth0: {}, eth1: { name: 'net1' } } })

t.test('devices are moved by the parent once the namespaces are there', (t) => {
  const { netDevices, waits, steps } = plan(withDevices)
  t.strictSame(netDevices, [
    { name: 'eth0', target: 'eth0' },
    { name: 'eth1', target: 'net1' },
  ])
  t.strictSame(waits, ['namespaces'])
  const order = names(steps)
  t.ok(order.indexOf('barrier') < order.indexOf('loopback'))
  t.match(printPlan(plan(withDevices)), /netDevice +eth0\nnetDevice +eth1 as net1\n/)
  t.strictSame(plan(linux()).waits, [], 'nobody waits for nothing')
  t.end()
})

t.test('an ordinary user is told at once that it cannot work', (t) => {
  const user = { facts: { ...unifiedHost, euid: 1000 } }
  const namespaces = [{ type: 'user', path: '/proc/1/ns/user' }] as const
  t.throws(() => plan(linux({ namespaces, netDevices: { eth0: {} } }), user), UnsupportedError)
  t.strictSame(plan(linux({ namespaces }), user).netDevices, [])
  t.end()
})

import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Capabilities, User } from '#dist/config/types.js'
import { capabilityNames } from '#dist/config/vocabulary/process.js'
import { capabilityList, planIdentity } from '#dist/plan/identity.js'
import { names, processOf, stepOf, unifiedHost } from './support.js'

/** No filter to load, no user namespace. */
const alone = { keepSysAdmin: false, userNamespace: false }

function planned({ capabilities, user }: { capabilities?: Capabilities; user?: User } = {}, keepSysAdmin = false) {
  const process = processOf({ ...(capabilities ? { capabilities } : {}), ...(user ? { user } : {}) })
  return planIdentity(process, unifiedHost, { ...alone, keepSysAdmin })
}

const bits = (...numbers: number[]) => numbers.reduce((all, number) => all | (1n << BigInt(number)), 0n)

t.test('every capability has its place', (t) => {
  t.equal(capabilityNames.length, 41)
  const known = { CAP_CHOWN: 0, CAP_SETPCAP: 8, CAP_SYS_ADMIN: 21, CAP_MKNOD: 27, CAP_AUDIT_READ: 37, CAP_BPF: 39 }
  for (const [name, bit] of Object.entries(known)) t.equal(capabilityNames[bit], name)
  t.equal(capabilityNames[40], 'CAP_CHECKPOINT_RESTORE')
  t.end()
})

t.test('the places are those of linux/capability.h', { skip: header() === '' && 'needs the kernel headers' }, (t) => {
  const defined = [...header().matchAll(/^#define (CAP_[A-Z_]+)\s+(\d+)$/gm)].map(([, name, bit]) => [
    Number(bit),
    name,
  ])
  t.ok(defined.length >= 41)
  for (const [bit, name] of defined) t.equal(capabilityNames[bit as number], name)
  t.end()
})

function header(): string {
  try {
    return readFileSync('/usr/include/linux/capability.h', 'utf8')
  } catch {
    return ''
  }
}

t.test('without capability sets only the user changes', (t) => {
  const { steps, warnings } = planned({ user: { uid: 1, gid: 2, additionalGids: [3, 4] } }, true)
  t.strictSame(steps, [{ op: 'user', uid: 1, gid: 2, groups: [3, 4], setGroups: true, keepCapabilities: false }])
  t.strictSame(warnings, [])
  t.end()
})

t.test('the sets that are not given are empty; inheritable and ambient never come by themselves', (t) => {
  const { steps } = planned({ capabilities: { bounding: ['CAP_CHOWN', 'CAP_KILL'], permitted: ['CAP_KILL'] } })
  t.strictSame(names(steps), ['boundingSet', 'user', 'capabilities'])
  t.strictSame(steps[0], { op: 'boundingSet', keep: bits(0, 5) })
  t.match(steps[1], { uid: 0, gid: 0, groups: [], keepCapabilities: true })
  const none = { effective: 0n, inheritable: 0n, ambient: 0n, reserve: 0n }
  t.strictSame(steps[2], { op: 'capabilities', permitted: bits(5), ...none })
  t.end()
})

t.test('CAP_SYS_ADMIN stays for the filter when it is told to', (t) => {
  const { steps } = planned({ capabilities: {} }, true)
  t.match(stepOf(steps, 'capabilities'), { permitted: 0n, effective: 0n, reserve: bits(21) })
  t.end()
})

t.test('what cannot be given is a warning, not an error', (t) => {
  const { steps, warnings } = planned({
    capabilities: {
      bounding: ['CAP_CHOWN', 'CAP_NOSUCH', 'CAP_NOSUCH'],
      effective: ['CAP_CHOWN', 'CAP_KILL'],
      permitted: ['CAP_CHOWN', 'CAP_MKNOD'],
      inheritable: ['CAP_CHOWN'],
      ambient: ['CAP_CHOWN', 'CAP_MKNOD'],
    },
  })
  t.match(stepOf(steps, 'capabilities'), { effective: bits(0), permitted: bits(0, 27), ambient: bits(0) })
  t.strictSame(warnings, [
    'capability "CAP_NOSUCH" is not known and is ignored',
    'CAP_KILL cannot be effective without being permitted',
    'CAP_MKNOD cannot be ambient without being permitted and inheritable',
  ])
  t.end()
})

t.test('what the runtime itself does not have cannot be given, except in a user namespace', (t) => {
  const all = ['CAP_CHOWN', 'CAP_SYS_RESOURCE', 'CAP_KILL']
  const process = processOf({
    capabilities: { bounding: all, effective: all, permitted: all, inheritable: all, ambient: all },
  })
  const facts = { ...unifiedHost, grantableCapabilities: bits(0, 5, 21) }
  const { steps, warnings } = planIdentity(process, facts, alone)
  const given = bits(0, 5)
  t.match(stepOf(steps, 'capabilities'), { effective: given, permitted: given, inheritable: given, ambient: given })
  t.strictSame(warnings, ['CAP_SYS_RESOURCE cannot be granted, since tsrun itself does not have it'])
  const inside = planIdentity(process, facts, { ...alone, userNamespace: true })
  t.match(stepOf(inside.steps, 'capabilities'), { permitted: bits(0, 5, 24), ambient: bits(0, 5, 24) })
  t.strictSame(inside.warnings, [])
  t.end()
})

t.test('what is not in the bounding set cannot be inheritable', (t) => {
  const capabilities = { bounding: ['CAP_KILL'], permitted: ['CAP_CHOWN'], inheritable: ['CAP_CHOWN', 'CAP_KILL'] }
  const { steps, warnings } = planned({ capabilities })
  t.match(stepOf(steps, 'capabilities'), { permitted: bits(0), inheritable: bits(5) })
  t.strictSame(warnings, ['CAP_CHOWN cannot be inheritable without being in the bounding set'])
  t.end()
})

t.test('capabilities newer than the kernel are left out', (t) => {
  const process = processOf({ capabilities: { bounding: ['CAP_BPF', 'CAP_AUDIT_READ'] } })
  const { steps, warnings } = planIdentity(process, { ...unifiedHost, highestCapability: 37 }, alone)
  t.match(steps[0], { keep: bits(37) })
  t.strictSame(warnings, ['capability "CAP_BPF" is not known and is ignored'])
  t.end()
})

t.test('bits have names', (t) => {
  t.strictSame(capabilityList(bits(0, 40)), ['CAP_CHOWN', 'CAP_CHECKPOINT_RESTORE'])
  t.strictSame(capabilityList(bits(63)), ['CAP_63'])
  t.strictSame(capabilityList(0), [])
  t.end()
})

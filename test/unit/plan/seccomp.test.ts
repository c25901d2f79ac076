import t from 'tap'
import type { Process, Seccomp, SeccompAction, SeccompFlag } from '#dist/config/types.js'
import { planSeccomp, seccompRequest, type SeccompRequest } from '#dist/plan/seccomp.js'
import { dataText, linux, processOf } from './support.js'

const allow = 0x7fff0000
const eperm = 0x50001

function profile(members: Partial<Seccomp> = {}): Seccomp {
  return { defaultAction: 'SCMP_ACT_ERRNO', ...members }
}

const context = { forks: false, hooks: false, userNamespace: false }

function planned(seccomp: Partial<Seccomp>, process: Partial<Process> = {}) {
  const program = Uint8Array.of(1, 2, 3)
  return planSeccomp(linux({ seccomp: profile(seccomp) }, { process: processOf(process) }), () => program, context)
}

t.test('actions have the values of linux/seccomp.h', (t) => {
  const values: Record<SeccompAction, number> = {
    SCMP_ACT_KILL: 0,
    SCMP_ACT_KILL_THREAD: 0,
    SCMP_ACT_KILL_PROCESS: 0x80000000,
    SCMP_ACT_TRAP: 0x30000,
    SCMP_ACT_ERRNO: 0x50001,
    SCMP_ACT_TRACE: 0x7ff00001,
    SCMP_ACT_LOG: 0x7ffc0000,
    SCMP_ACT_ALLOW: 0x7fff0000,
    SCMP_ACT_NOTIFY: 0x7fc00000,
  }
  for (const [defaultAction, value] of Object.entries(values) as [SeccompAction, number][]) {
    t.equal(seccompRequest({ defaultAction }).defaultAction, value, defaultAction)
  }
  t.equal(seccompRequest({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38 }).defaultAction, 0x50026)
  t.equal(seccompRequest({ defaultAction: 'SCMP_ACT_TRACE', defaultErrnoRet: 0 }).defaultAction, 0x7ff00000)
  t.end()
})

t.test('rules that say what happens anyway are left out, but their names count', (t) => {
  const syscalls = [
    { names: ['getpid'], action: 'SCMP_ACT_ALLOW' },
    { names: ['mount', 'umount2'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 },
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 },
  ] as const
  const { rules, alsoNamed } = seccompRequest(profile({ syscalls }))
  t.strictSame(rules, [
    { names: ['getpid'], action: allow, conditions: [] },
    { names: ['clone3'], action: 0x50026, conditions: [] },
  ])
  t.strictSame(alsoNamed, ['mount', 'umount2'])
  t.end()
})

t.test('conditions on different arguments belong together, on the same one they are alternatives', (t) => {
  const rulesFor = (...indexes: number[]) => {
    const args = indexes.map((index, i) => ({ index, value: i, op: 'SCMP_CMP_EQ' }) as const)
    const syscalls = [{ names: ['a'], action: 'SCMP_ACT_ALLOW', args }] as const
    return seccompRequest(profile({ syscalls })).rules.map(({ conditions }) => conditions.map(({ value }) => value))
  }
  t.strictSame(rulesFor(0, 1, 5), [[0, 1, 2]])
  t.strictSame(rulesFor(0, 0), [[0], [1]])
  t.strictSame(rulesFor(0, 1, 0), [[0], [1], [2]], 'then all of them, as in runc')
  t.end()
})

t.test('values of conditions keep all their bits', (t) => {
  const args = [
    { index: 0, value: 18446744073709551615n, valueTwo: -1, op: 'SCMP_CMP_MASKED_EQ' },
    { index: 1, value: -2n, op: 'SCMP_CMP_GT' },
  ] as const
  const { rules } = seccompRequest(profile({ syscalls: [{ names: ['a'], action: 'SCMP_ACT_ALLOW', args }] }))
  t.strictSame(rules[0]!.conditions, [
    { index: 0, op: 7, value: 2n ** 64n - 1n, valueTwo: 2n ** 64n - 1n },
    { index: 1, op: 6, value: 2n ** 64n - 2n, valueTwo: 0 },
  ])
  t.end()
})

t.test('newer syscalls fail with ENOSYS unless the default lets them pass or says so itself', (t) => {
  const says = (seccomp: Seccomp) => seccompRequest(seccomp).enosysForNewer
  for (const defaultAction of ['SCMP_ACT_ERRNO', 'SCMP_ACT_KILL', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_TRAP'] as const) {
    t.equal(says({ defaultAction }), true, defaultAction)
  }
  for (const defaultAction of ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'] as const) {
    t.equal(says({ defaultAction }), false, defaultAction)
  }
  t.equal(says({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38 }), false)
  t.end()
})

t.test('absent flags are not empty flags', (t) => {
  const flags = (list?: SeccompFlag[], notify = false) => {
    const syscalls = [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' as const }]
    const listener = notify ? { syscalls, listenerPath: '/s' } : {}
    return planned({ ...(list ? { flags: list } : {}), ...listener }).step?.flags
  }
  t.equal(flags(), 4, 'SPEC_ALLOW')
  t.equal(flags([]), 0)
  t.equal(flags(['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_TSYNC']), 3)
  // What the kernel would refuse, and nobody would miss.
  t.equal(flags(['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'], true), 32)
  t.equal(flags(['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV']), 1)
  t.end()
})

t.test('the filter is loaded by exec, with the privilege that this takes', (t) => {
  const late = { late: true, listener: false }
  t.match(planned({}, { noNewPrivileges: true }), { step: late, early: false, needsSysAdmin: false })
  t.match(planned({}, { capabilities: {} }), { step: late, early: false, needsSysAdmin: true })
  t.match(planned({}), { step: late, early: false, needsSysAdmin: true }, 'root keeps what it has')
  t.end()
})

t.test('a profile that permits what init does after it is loaded before anybody could trace init', (t) => {
  const needed = ['write', 'read', 'close', 'accept4', 'execve', 'exit_group']
  const permits = (...names: string[]) => ({ syscalls: [{ names, action: 'SCMP_ACT_ALLOW' as const }] })
  const noNewPrivileges = { noNewPrivileges: true }
  t.match(planned(permits(...needed), noNewPrivileges), { sealed: true, step: { late: false } })
  t.match(planned(permits(...needed), { capabilities: {} }), { sealed: false }, 'to drop a capability is one call more')
  t.match(planned(permits(...needed, 'capset'), { capabilities: {} }), { sealed: true, needsSysAdmin: true })
  for (const name of needed) {
    const others = needed.filter((other) => other !== name)
    t.match(planned(permits(...others), noNewPrivileges), { sealed: false, step: { late: true } }, name)
    const refused = { syscalls: [{ names: [name], action: 'SCMP_ACT_KILL' as const }] }
    const open = { defaultAction: 'SCMP_ACT_ALLOW' as const, ...refused }
    t.match(planned(open, noNewPrivileges), { sealed: false, step: { late: true } }, name)
  }
  t.end()
})

t.test('who could trace init, and so take over the privilege to load a filter, must permit what follows it', (t) => {
  const capabilities = { bounding: ['CAP_SYS_PTRACE'] }
  t.throws(() => planned({}, { capabilities }), { code: 'ERR_TSRUN_CONFIG', message: /accept4/ })
  t.match(planned({ defaultAction: 'SCMP_ACT_ALLOW' }, { capabilities }), { sealed: true })
  t.match(planned({}, { capabilities, noNewPrivileges: true }), { sealed: false })
  t.match(planned({}, { capabilities: { bounding: ['CAP_KILL'] } }), { sealed: false, needsSysAdmin: true })
  t.end()
})

t.test('a user who loses all privileges gets the filter before', (t) => {
  const user = { uid: 1000 }
  t.match(planned({}, { user }), { step: { late: false }, early: true, needsSysAdmin: false })
  t.match(planned({}, { user, noNewPrivileges: true }), { step: { late: true }, early: false })
  t.match(planned({}, { user, capabilities: {} }), { step: { late: true }, early: false, needsSysAdmin: true })
  t.end()
})

t.test('with a listener it is loaded while the parent is there', (t) => {
  const syscalls = [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' as const }]
  const notify = { syscalls, listenerPath: '/run/agent.sock', listenerMetadata: 'm' }
  t.match(planned(notify, { noNewPrivileges: true }), {
    step: { late: false, listener: true },
    early: false,
    needsSysAdmin: false,
    listener: { path: '/run/agent.sock', metadata: 'm' },
  })
  t.match(planned(notify, { capabilities: {} }), { early: false, needsSysAdmin: true })
  t.equal(planned({ listenerPath: '/unused' }).listener, undefined)
  t.end()
})

t.test('no section, no filter', (t) => {
  const compile = (): never => {
    throw new Error('called')
  }
  t.match(planSeccomp(linux(), compile, context), { step: undefined })
  t.end()
})

t.test("Docker's default profile is asked for whole", (t) => {
  const requests: SeccompRequest[] = []
  const seccomp = JSON.parse(dataText('seccomp-docker-oci.json')) as Seccomp
  const compile = (request: SeccompRequest): Uint8Array => {
    requests.push(request)
    return new Uint8Array()
  }
  for (const forks of [false, true]) {
    for (const process of [{}, { noNewPrivileges: true }, { user: { uid: 5 } }, { capabilities: {} }]) {
      const made = planSeccomp(linux({ seccomp }, { process: processOf(process) }), compile, {
        ...{ forks, hooks: true, userNamespace: false },
      })
      t.match(made, { sealed: true, step: { late: false } }, 'it permits all that init does after it')
    }
  }
  const [request] = requests
  t.match(request, { defaultAction: eperm, enosysForNewer: true, alsoNamed: [] })
  t.strictSame(request?.architectures, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'])
  t.equal(request?.rules.flatMap(({ names }) => names).length, seccomp.syscalls?.flatMap(({ names }) => names).length)
  t.end()
})

t.test('a masked comparison leaves out bits of the value that the mask does not have, as the filter does', (t) => {
  const value = 0x7e020000
  const context = { forks: true, hooks: false, userNamespace: false }
  const sealed = (valueTwo: number): boolean =>
    planSeccomp(
      linux(
        {
          seccomp: {
            defaultAction: 'SCMP_ACT_ALLOW',
            syscalls: [
              {
                names: ['clone'],
                action: 'SCMP_ACT_ERRNO',
                args: [{ index: 0, value, valueTwo, op: 'SCMP_CMP_MASKED_EQ' }],
              },
            ],
          },
        },
        { process: processOf({ noNewPrivileges: true }) },
      ),
      () => Uint8Array.of(1),
      context,
    ).sealed
  t.equal(sealed(0), false, 'the fork makes no namespace, which is what the rule forbids')
  t.equal(sealed(0x1000), false, 'the bit outside of the mask says nothing')
  t.equal(sealed(0x20000), true, 'it would have to make one')
  t.end()
})

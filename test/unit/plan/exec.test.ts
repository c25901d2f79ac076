/** The plan of a process that is added to a container. */
import t from 'tap'
import { compileExec } from '#dist/plan/exec.js'
import { everything } from '#dist/plan/identity.js'
import { unlimited } from '#dist/plan/rlimits.js'
import type { Step } from '#dist/plan/steps.js'
import type { NamespaceType } from '#dist/config/types.js'
import { config, processOf, stepsOf, unifiedHost } from './support.js'

const limited = processOf({ rlimits: [{ type: 'RLIMIT_NPROC', soft: 50, hard: 60 }] })
const withoutRight = everything & ~(1n << 24n) // CAP_SYS_RESOURCE

function stepsWith(namespaces: readonly NamespaceType[], facts: Partial<typeof unifiedHost> = {}): readonly Step[] {
  return compileExec({
    id: 'demo',
    config: config(),
    process: limited,
    facts: { ...unifiedHost, ...facts },
    namespaces: new Set(namespaces),
    cgroup: { v1: {} },
    rootfs: '/bundle/rootfs',
    keyring: undefined,
    preserveFds: 0,
    compileSeccomp: () => new Uint8Array(16),
  }).steps
}

const softLimits = (steps: readonly Step[]): unknown[] => stepsOf(steps, 'rlimit').map(({ soft }) => soft)

t.test('the limit of processes comes after the fork, which it would count', async (t) => {
  const steps = stepsWith(['pid', 'mount'])
  t.same(softLimits(steps), [unlimited, 50], 'no limit while it forks, then its own')
  const fork = steps.findIndex(({ op }) => op === 'fork')
  const own = steps.findIndex((step) => step.op === 'rlimit' && step.soft === 50)
  t.ok(fork >= 0 && own > fork)
})

t.test('it is lifted for the fork only by who may: with CAP_SYS_RESOURCE of the initial user namespace', async (t) => {
  t.same(softLimits(stepsWith(['pid'], { grantableCapabilities: withoutRight })), [50])
  t.same(softLimits(stepsWith(['pid'], { inUserNamespace: true })), [50], 'the runtime is in a user namespace')
  t.same(softLimits(stepsWith(['pid', 'user'])), [50], 'the container is')
})

t.test('without a fork it is set like all others', async (t) => {
  t.same(softLimits(stepsWith(['mount'])), [50])
})

/** linux.memoryPolicy: where the memory of the container's processes comes from. */
import { existsSync } from 'node:fs'
import type { Container } from '../helpers/container.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'
import type { TestConfig } from '../helpers/config.js'

type Policy = NonNullable<TestConfig['linux']['memoryPolicy']>

/** What numa(7) says of the first mapping of a process: the policy stands after the address. */
const policyIn = (numaMaps: string): string => /^\S+ (.+?) file=/.exec(numaMaps)?.[1] ?? ''

function container(scope: Scope, policy: Policy, ...args: string[]): Container {
  return scope.container((config) => {
    config.process.args = args.length > 0 ? args : ['/bin/cat', '/proc/self/numa_maps']
    config.linux.memoryPolicy = policy
  })
}

const needs = ['numa'] as const

test(
  'the program has the memory policy of the config',
  (t, scope) => {
    const policies: [Policy, string][] = [
      [{ mode: 'MPOL_DEFAULT' }, 'default'],
      [{ mode: 'MPOL_LOCAL' }, 'local'],
      [{ mode: 'MPOL_PREFERRED' }, 'local'],
      [{ mode: 'MPOL_PREFERRED', nodes: '0' }, 'prefer:0'],
      [{ mode: 'MPOL_PREFERRED_MANY', nodes: '0' }, 'prefer (many):0'],
      [{ mode: 'MPOL_BIND', nodes: '0' }, 'bind:0'],
      [{ mode: 'MPOL_INTERLEAVE', nodes: '0,' }, 'interleave:0'],
      [{ mode: 'MPOL_BIND', nodes: ' 0-0', flags: ['MPOL_F_STATIC_NODES'] }, 'bind=static:0'],
      [{ mode: 'MPOL_INTERLEAVE', nodes: '0', flags: ['MPOL_F_RELATIVE_NODES'] }, 'interleave=relative:0'],
    ]
    for (const [policy, expected] of policies) {
      const { status, stdout, stderr } = container(scope, policy).run()
      t.same({ status, stderr }, { status: 0, stderr: '' })
      t.equal(policyIn(stdout), expected)
    }
  },
  { needs },
)

test(
  'a process that exec adds has the memory policy too',
  (t, scope) => {
    const running = container(scope, { mode: 'MPOL_BIND', nodes: '0' }, '/bin/sleep', '1000')
    running.create()
    t.equal(running.start().status, 0)
    const { status, stdout } = scope.runtime(['exec', running.id, '/bin/cat', '/proc/self/numa_maps'])
    t.equal(status, 0)
    t.equal(policyIn(stdout), 'bind:0')
  },
  { needs },
)

test(
  'a node that the host does not have is an error that names it',
  (t, scope) => {
    t.notOk(existsSync('/sys/devices/system/node/node900'))
    const { status, stderr } = container(scope, { mode: 'MPOL_BIND', nodes: '900' }).run()
    t.equal(status, 1)
    t.match(stderr, /memoryPolicy: set_mempolicy "900": invalid argument \(a node is not online/)
  },
  { needs: ['numa', 'tsrun'] },
)

test(
  'a list that is none and an unknown mode are refused before anything is made',
  (t, scope) => {
    const wrong = container(scope, { mode: 'MPOL_BIND', nodes: '0-' })
    t.match(wrong.create(), { status: 1, stderr: /\/linux\/memoryPolicy\/nodes: must be a list of memory nodes/ })
    const unknown = container(scope, { mode: 'MPOL_BEST' as 'MPOL_BIND', nodes: '0' })
    t.match(unknown.create(), { status: 1, stderr: /unknown memory policy mode "MPOL_BEST"/ })
  },
  { needs: ['tsrun'] },
)

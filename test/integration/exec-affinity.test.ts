/** config.json: process.execCPUAffinity: on which CPUs an added process begins, and where it stays. */
import { availableParallelism } from 'node:os'
import { exec, probe, running } from '../helpers/exec.js'
import { test } from '../helpers/test.js'

const needs = ['tsrun'] as const
/** More than any machine has. */
const nowhere = '8191'

test(
  'execCPUAffinity.final is where an added process runs, and without it on all CPUs',
  (t, scope) => {
    const last = String(availableParallelism() - 1)
    const bound = running(scope, (config) => (config.process.execCPUAffinity = { initial: '0', final: last }))
    t.same(probe(scope, bound).affinity, [Number(last)])
    const free = running(scope, (config) => (config.process.execCPUAffinity = { initial: '0' }))
    t.equal(probe(scope, free).affinity.length, availableParallelism())
  },
  { needs },
)

test(
  'an execCPUAffinity without a CPU of the machine is an error that says which',
  (t, scope) => {
    for (const name of ['initial', 'final'] as const) {
      const container = running(scope, (config) => (config.process.execCPUAffinity = { [name]: nowhere }))
      const { status, stderr } = exec(scope, container.id, '/bin/true')
      t.equal(status, 255, name)
      t.match(stderr, new RegExp(`sched_setaffinity.*${nowhere}`), name)
      t.equal(stderr.split('\n').length, 2, 'one line')
    }
  },
  { needs },
)

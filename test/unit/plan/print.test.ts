import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { exampleConfig } from '#dist/config/example.js'
import { loadConfig } from '#dist/config/load.js'
import type { Config } from '#dist/config/types.js'
import { bitNames, nameValue } from '#dist/plan/bit-names.js'
import { planToJson, printPlan } from '#dist/plan/print.js'
import type { LaunchPlan } from '#dist/plan/types.js'
import { config, dataText, plan, processOf, unifiedHost } from './support.js'

const facts = { ...unifiedHost, apparmor: true }

/** A plan as it should be is kept in a file; `UPDATE_PLANS=1` writes what it is, for a look at the difference. */
function matchesFile(t: Test, printed: string, name: string): void {
  if (process.env.UPDATE_PLANS !== undefined) {
    writeFileSync(fileURLToPath(new URL(`../../../../test/data/${name}`, import.meta.url)), printed)
  }
  t.equal(printed, dataText(name))
}

t.test('the plan of the example', (t) => {
  matchesFile(t, printPlan(plan(exampleConfig({ cgroupNamespace: true }), { facts })), 'plan-example.txt')
  t.end()
})

t.test("the plan of one of Docker's containers", async (t) => {
  const docker: Config = await loadConfig(dataText('docker-config.json'))
  matchesFile(t, printPlan(plan(docker, { facts })), 'plan-docker.txt')
})

function withStep(step: LaunchPlan['steps'][number]): LaunchPlan {
  return { ...plan(config()), steps: [step] }
}

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1)!

t.test('JSON has every field, with names for numbers', (t) => {
  const rlimits = [{ type: 'RLIMIT_CORE', soft: 5n, hard: 2n ** 64n - 1n }] as const
  const printed = JSON.parse(planToJson(plan(config({ process: processOf({ rlimits }) })))) as {
    steps: unknown[]
    cloneFlags: unknown
  }
  t.strictSame(
    printed.steps.find((step) => (step as { op: string }).op === 'rlimit'),
    { op: 'rlimit', resource: 'RLIMIT_CORE', soft: 5, hard: 'unlimited' },
  )
  t.strictSame(printed.cloneFlags, [])
  const seccomp = { op: 'seccomp', program: new Uint8Array(24), flags: 6, late: true, listener: false } as const
  const { steps } = JSON.parse(planToJson(withStep(seccomp))) as { steps: unknown[] }
  const flags = ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW']
  t.strictSame(steps, [{ ...seccomp, program: '3 instructions', flags }])
  t.end()
})

t.test('values of the environment stay out of the table', (t) => {
  const step = {
    op: 'program',
    args: ['a b', "c'd", ''],
    env: ['TOKEN=secret', 'B=x\ny'],
    cwd: '/',
    home: true,
    uid: 0,
  } as const
  const line = lastLine(printPlan(withStep(step)))
  t.equal(line, `1  program  args="a b","c'd",""  env=TOKEN,B  cwd=/  home=yes  uid=0`)
  t.match(planToJson(withStep(step)), 'TOKEN=secret')
  t.end()
})

t.test('nothing in a config can drive the terminal', (t) => {
  const nasty = '\x1b[2J\x07\x9b31m\u202e\u2028\x7f'
  const printed = printPlan({ ...withStep({ op: 'hostname', name: nasty }), warnings: [nasty] })
  t.notMatch(printed, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028]/)
  t.match(lastLine(printed), 'name="\\u001b[2J\\u0007\\u009b31m\\u202e\\u2028\\u007f"')
  const json = planToJson(withStep({ op: 'hostname', name: nasty }))
  t.notMatch(json, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028]/)
  t.strictSame((JSON.parse(json) as LaunchPlan).steps, [{ op: 'hostname', name: nasty }])
  t.end()
})

t.test('numbers by name', (t) => {
  t.strictSame(nameValue('mountAttr', 0x70 | 1), ['rdonly', 'atime'])
  t.strictSame(nameValue('mountAttr', 0x10 | 0x200000), ['nosymfollow', 'noatime'])
  t.strictSame(nameValue('propagation', (1 << 20) | (1 << 14)), ['shared', 'recursive'])
  t.strictSame(nameValue('cloneFlag', 0x20000000), ['pid'])
  t.strictSame(nameValue('capability', 1n << 21n), ['CAP_SYS_ADMIN'])
  t.strictSame(nameValue('schedFlag', 5), ['SCHED_FLAG_RESET_ON_FORK', 'SCHED_FLAG_DL_OVERRUN'])
  t.equal(nameValue('schedPolicy', 6), 'SCHED_DEADLINE')
  t.equal(nameValue('event', 3), 'created')
  t.equal(nameValue('event', 9), 9)
  t.equal(nameValue('fileType', 0o060000), 'block')
  t.equal(nameValue('octal', 0o22), '0022')
  t.equal(nameValue('signed', 0xfffffffd), -3)
  t.equal(nameValue('limit', 2n ** 63n), '9223372036854775808')
  t.equal(nameValue('', 7n), 7)
  t.strictSame(bitNames({ a: 1, b: 6 }, 0x80000003), ['a', '0x80000002'])
  t.end()
})

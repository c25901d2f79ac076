/** Random seccomp profiles: what the compiled filter answers, run by an emulator, is what the profile says. */
import { createRequire } from 'node:module'
import t from 'tap'
import type { Seccomp, SeccompAction, SeccompArg, SeccompOperator } from '#dist/config/types.js'
import { seccompRequest } from '#dist/plan/seccomp.js'
import { randomFrom, type Random } from '../helpers/fuzz.js'
import { projectRoot } from '../helpers/tools.js'
import { auditArch, runFilter } from '../native/bpf.js'

const addon = createRequire(import.meta.url)(`${projectRoot}/build/Release/tsrun.node`) as {
  compileSeccomp(request: unknown, cache: string): Uint8Array
}

const seed = Number(process.env.SEED ?? 1)
const profiles = Number(process.env.PROFILES ?? 3000)

/** Numbers of x86_64. */
const calls = { read: 0, write: 1, ioctl: 16, socket: 41, clone: 56, kill: 62, prctl: 157, openat: 257, bpf: 321 }
const operators: readonly SeccompOperator[] = [
  ...(['SCMP_CMP_NE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_EQ'] as const),
  ...(['SCMP_CMP_GE', 'SCMP_CMP_GT', 'SCMP_CMP_MASKED_EQ'] as const),
]
const values = [0n, 1n, 2n, 0xffff_ffffn, 0x1_0000_0000n, 0x1_0000_0001n, 2n ** 63n, 2n ** 64n - 1n]
const pick = <T>(random: Random, list: readonly T[]): T => list[random(list.length)] as T

/** SECCOMP_RET_* with its data. */
const answers: Partial<Record<SeccompAction, number>> = {
  SCMP_ACT_ALLOW: 0x7fff0000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_TRAP: 0x30000,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
}
const answerOf = (action: SeccompAction, errno: number): number => answers[action] ?? 0x50000 + errno

interface Rule {
  readonly name: keyof typeof calls
  readonly action: SeccompAction
  readonly errnoRet: number
  readonly args: readonly SeccompArg[]
}

/**
 * One name has conditions that exclude each other, or one rule alone: what libseccomp makes of others that overlap
 * depends on its order, as `test/native/seccomp-program` shows.
 */
function ruleOf(random: Random, name: keyof typeof calls, actions: readonly SeccompAction[]): Rule {
  const indexes = [0, 1, 2, 3, 4, 5].filter(() => random(4) === 0)
  const args = indexes.map((index) => ({
    ...{ index, op: pick(random, operators) },
    ...{ value: pick(random, values), valueTwo: pick(random, values) },
  })) as unknown as SeccompArg[]
  return { name, action: pick(random, actions), errnoRet: 1 + random(4000), args }
}

function holds({ op, value, valueTwo }: SeccompArg, given: bigint): boolean {
  const [wanted, second] = [BigInt(value), BigInt(valueTwo ?? 0)]
  switch (op) {
    case 'SCMP_CMP_NE':
      return given !== wanted
    case 'SCMP_CMP_LT':
      return given < wanted
    case 'SCMP_CMP_LE':
      return given <= wanted
    case 'SCMP_CMP_EQ':
      return given === wanted
    case 'SCMP_CMP_GE':
      return given >= wanted
    case 'SCMP_CMP_GT':
      return given > wanted
    case 'SCMP_CMP_MASKED_EQ':
      // Bits of the value that the mask does not have are left out by libseccomp.
      return (given & wanted) === (second & wanted)
  }
}

/** One profile. @returns what the filter answers wrongly */
function wrongAnswers(random: Random): string[] {
  const actions = [...Object.keys(answers), 'SCMP_ACT_ERRNO'] as SeccompAction[]
  const rules = (Object.keys(calls) as (keyof typeof calls)[])
    .filter(() => random(3) > 0)
    .map((name) => ruleOf(random, name, actions))
  const [defaultAction, defaultErrnoRet] = [pick(random, actions), 38]
  const profile: Seccomp = {
    ...{ defaultAction, defaultErrnoRet },
    syscalls: rules.map(({ name, action, errnoRet, args }) => ({ names: [name], action, errnoRet, args: [...args] })),
  }
  const program = addon.compileSeccomp(seccompRequest(profile), '')
  const wrong: string[] = []
  for (let one = 0; one < 40; one++) {
    const [name, number] = pick(random, Object.entries(calls))
    const args = Array.from({ length: 6 }, () => pick(random, values))
    const rule = rules.find((other) => other.name === name)
    const decides = rule?.args.every((arg) => holds(arg, args[arg.index] ?? 0n)) === true ? rule : undefined
    // Calls that are newer than all that a profile names do not exist for it.
    const wanted = answerOf(decides?.action ?? defaultAction, decides?.errnoRet ?? defaultErrnoRet)
    const found = runFilter(program, { arch: auditArch.x86_64, number, args }) >>> 0
    const isNewer = number > Math.max(-1, ...rules.map((other) => calls[other.name])) && found === 0x50026
    if (found !== wanted && !isNewer)
      wrong.push(
        `${name}(${args.join()}): ${found.toString(16)} for ${wanted.toString(16)} of ${JSON.stringify(profile, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}`,
      )
  }
  return wrong
}

t.test(
  `${profiles} random profiles answer as they say`,
  { skip: process.arch !== 'x64' && 'numbers here are those of x86_64' },
  (t) => {
    for (let one = 0; one < profiles; one++) t.same(wrongAnswers(randomFrom(seed + one)), [], `seed ${seed + one}`)
    t.comment(`${profiles} profiles, ${profiles * 40} calls`)
    t.end()
  },
)

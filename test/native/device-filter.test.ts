/** The eBPF program of device rules, run by a small interpreter and held against what the rules say. */
import t from 'tap'
import { assembleDeviceRules } from '#dist/native/binding.js'
import type { DeviceRulePlan } from '#dist/plan/resources/devices.js'

/** What a process wants to do: letters of r, w, m with a device. */
interface Request {
  readonly type: 'b' | 'c'
  readonly major: number
  readonly minor: number
  readonly access: string
}

const letters = ['m', 'r', 'w'] as const
const accessBits = (access: string): number =>
  letters.reduce((sum, letter, at) => (access.includes(letter) ? sum | (1 << at) : sum), 0)
const accessOf = (bits: number): string => letters.filter((_, at) => bits & (1 << at)).join('')

/** Runs the program as the kernel would: struct bpf_insn of linux/bpf.h, only the codes that the assembler emits. */
function interpret(program: Uint8Array, request: Request): number {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength)
  const typeWord = (accessBits(request.access) << 16) | (request.type === 'b' ? 1 : 2)
  const context = [typeWord, request.major, request.minor]
  const registers = new Uint32Array(11)
  for (let at = 0, steps = 0; steps < 1e6; steps++, at++) {
    const code = view.getUint8(at * 8)
    const names = view.getUint8(at * 8 + 1)
    const [to, from] = [names & 15, names >> 4]
    const offset = view.getInt16(at * 8 + 2, true)
    const value = view.getUint32(at * 8 + 4, true)
    const left = registers[to] as number
    if (code === 0x61) registers[to] = context[offset / 4] as number
    else if (code === 0xbc) registers[to] = registers[from] as number
    else if (code === 0xb4) registers[to] = value
    else if (code === 0x4c) registers[to] = left | (registers[from] as number)
    else if (code === 0x64) registers[to] = left << value
    else if (code === 0x54) registers[to] = left & value
    else if (code === 0x74) registers[to] = left >>> value
    else if (code === 0x05) at += offset
    else if (code === 0x56) at += left !== value ? offset : 0
    else if (code === 0x16) at += left === value ? offset : 0
    else if (code === 0x46) at += (left & value) !== 0 ? offset : 0
    else if (code === 0x95) return registers[0] as number
    else throw new Error(`unknown instruction ${code.toString(16)} at ${at}`)
  }
  throw new Error('the program does not end')
}

/** The meaning of the rules, letter by letter. */
function isAllowed(rules: readonly DeviceRulePlan[], { type, major, minor, access }: Request): boolean {
  const matches = (rule: DeviceRulePlan): boolean =>
    (rule.type === 'a' || rule.type === type) &&
    (rule.major === -1 || rule.major === major) &&
    (rule.minor === -1 || rule.minor === minor)
  return letters
    .filter((letter) => access.includes(letter))
    .every((letter) => rules.findLast((rule) => matches(rule) && rule.access.includes(letter))?.allow)
}

/** `allow c 1:* rw` as a rule. */
function rule(text: string): DeviceRulePlan {
  const [verb, type, numbers = '', access = ''] = text.split(' ')
  const [major = 0, minor = 0] = numbers.split(':').map((number) => (number === '*' ? -1 : Number(number)))
  return { allow: verb === 'allow', type: type as 'a', major, minor, access }
}

function ask(rules: readonly string[], request: string): number {
  const { type, major, minor, access } = rule(`ask ${request}`)
  return interpret(assembleDeviceRules(rules.map(rule)), { type: type as 'c', major, minor, access })
}

/** Number of instructions that no path leads to: the kernel rejects a program with any. */
function unreachable(program: Uint8Array): number {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength)
  const reached = new Set<number>()
  const visit = (at: number): void => {
    if (reached.has(at)) return
    reached.add(at)
    const code = view.getUint8(at * 8)
    if (code === 0x95) return
    const isJump = (code & 7) === 5 || (code & 7) === 6
    if (isJump) visit(at + 1 + view.getInt16(at * 8 + 2, true))
    if (code !== 0x05) visit(at + 1)
  }
  visit(0)
  return program.length / 8 - reached.size
}

t.test('decisions', async (t) => {
  const table: readonly (readonly [rules: readonly string[], request: string, allowed: number])[] = [
    [[], 'c 1:3 r', 0],
    [['allow a *:* rwm'], 'b 8:0 rwm', 1],
    [['deny a *:* rwm'], 'b 8:0 r', 0],
    [['deny a *:* rwm', 'allow c 1:3 rw'], 'c 1:3 rw', 1],
    [['deny a *:* rwm', 'allow c 1:3 rw'], 'c 1:3 rwm', 0],
    [['deny a *:* rwm', 'allow c 1:3 rw'], 'b 1:3 r', 0],
    [['deny a *:* rwm', 'allow c 1:3 r', 'allow c 1:3 w'], 'c 1:3 rw', 1],
    [['deny a *:* rwm', 'allow c 1:* rwm', 'deny c 1:3 w'], 'c 1:3 rw', 0],
    [['deny a *:* rwm', 'allow c 1:* rwm', 'deny c 1:3 w'], 'c 1:3 r', 1],
    [['deny c 1:3 w', 'allow c 1:3 w'], 'c 1:3 w', 1],
    [['allow c 1:3 w', 'deny c 1:3 w'], 'c 1:3 w', 0],
    [['allow c 1:3 rwm', 'deny a *:* rwm'], 'c 1:3 r', 0],
    [['allow a *:* rw', 'deny a *:7 rwm'], 'b 8:7 r', 0],
    [['allow a *:* rw', 'deny a *:7 rwm'], 'b 8:6 rw', 1],
    [['deny a *:* rwm', 'allow c 136:* rwm'], 'c 136:1048575 rw', 1],
  ]
  for (const [rules, request, allowed] of table)
    t.equal(ask(rules, request), allowed, `${rules.join(', ')}: ${request}`)
})

/** A sequence that is the same in every run (xorshift). */
function sequence(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

t.test('a thousand rule sets decide every request as their rules do', async (t) => {
  const pick = sequence(2463534242)
  let wrong = 0
  let dead = 0
  for (let round = 0; round < 1000; round++) {
    const rules = Array.from({ length: pick(8) }, () => ({
      allow: pick(2) === 1,
      type: (['a', 'b', 'c'] as const)[pick(3)] as 'a',
      major: pick(3) - 1,
      minor: pick(3) - 1,
      access: accessOf(1 + pick(7)),
    }))
    const program = assembleDeviceRules(rules)
    dead += unreachable(program)
    for (let at = 0; at < 56; at++) {
      const [type, access] = [at % 2 ? ('b' as const) : ('c' as const), accessOf(1 + ((at >> 3) % 7))]
      const request = { type, major: (at >> 1) % 2, minor: (at >> 2) % 2, access }
      if (interpret(program, request) !== Number(isAllowed(rules, request))) wrong++
    }
  }
  t.equal(wrong, 0)
  t.equal(dead, 0, 'and no instruction is out of reach')
})

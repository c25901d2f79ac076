import t from 'tap'
import { encodePlan, headerLength, headerOffset } from '#dist/plan/encode.js'
import { type FieldKind, planHeader, type Step, type StepName, stepTable } from '#dist/plan/steps.js'
import type { LaunchPlan } from '#dist/plan/types.js'
import { wireHash } from '#dist/plan/wire-hash.js'
import { config, plan } from './support.js'

/** Reads what init reads, as its reader does: lengths first, everything checked. */
class Decoder {
  #at = 0
  readonly #view: DataView
  readonly bytes: Uint8Array
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get at(): number {
    return this.#at
  }

  u32(): number {
    this.#at += 4
    return this.#view.getUint32(this.#at - 4, true)
  }

  field(kind: FieldKind): unknown {
    switch (kind.split(/[:=]/)[0]) {
      case 'u32':
        return this.u32()
      case 'u64':
        return BigInt(this.u32()) | (BigInt(this.u32()) << 32n)
      case 'flag':
        return [false, true][this.u32()]
      case 'text':
        return this.#text()
      case 'texts': {
        const [count, length, start] = [this.u32(), this.u32(), this.#at]
        const texts = Array.from({ length: count }, () => this.#text())
        if (this.#at !== start + length) throw new Error('wrong length of a list')
        return texts
      }
      case 'u32s':
        return Array.from({ length: this.u32() }, () => this.u32())
      default: {
        const length = this.u32()
        return this.#take(length, (length + 3) & ~3).slice()
      }
    }
  }

  #text(): string {
    const length = this.u32()
    const bytes = this.#take(length, (length + 4) & ~3)
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  }

  /** Bytes, and zeros behind them up to `padded`. */
  #take(length: number, padded: number): Uint8Array {
    const start = this.#at
    this.#at += padded
    if (this.bytes.subarray(start + length, this.#at).some((byte) => byte !== 0)) throw new Error('padding is not zero')
    return this.bytes.subarray(start, start + length)
  }
}

function decode(bytes: Uint8Array) {
  const decoder = new Decoder(bytes)
  const names = Object.keys(planHeader)
  const header = Object.fromEntries(names.map((name) => [name, decoder.u32()]))
  const operations = Object.keys(stepTable) as StepName[]
  const steps = Array.from({ length: header.stepCount! }, () => {
    const op = operations[decoder.u32()]!
    const [length, start] = [decoder.u32(), decoder.at]
    const fields = Object.entries(stepTable[op]).map(([name, kind]) => [name, decoder.field(kind as FieldKind)])
    if (decoder.at !== start + length) throw new Error(`wrong length of ${op}`)
    return { op, ...Object.fromEntries(fields) } as Step
  })
  if (decoder.at !== bytes.length) throw new Error('bytes are left')
  return { header, steps }
}

function withSteps(...steps: Step[]): LaunchPlan {
  return { ...plan(config()), steps }
}

const roundTrip = (...steps: Step[]) => decode(encodePlan(withSteps(...steps))).steps

t.test('the header says what init and addon look for', (t) => {
  const bytes = encodePlan({ ...plan(config()), preserveFds: 3 })
  const { header, steps } = decode(bytes)
  const none = 0xffffffff
  const fds = { syncFd: none, startFd: none, targetFd: none }
  const totalLength = bytes.length
  t.strictSame(header, { wireHash, stepCount: steps.length, totalLength, preserveFds: 3, ...fds })
  t.equal(headerOffset('wireHash'), 0)
  t.equal(headerOffset('targetFd'), headerLength - 4)
  t.end()
})

t.test('a step of every kind survives', (t) => {
  const samples = { u32: 0xffffffff, u64: 0x1_0000_0001n, flag: true, text: 'é€😀', texts: ['', 'a', 'bcd', 'ef gh'] }
  const lists = { u32s: [0, 1, 0xffffffff], bytes: Uint8Array.of(1, 2, 3, 4, 5) }
  const all: Readonly<Record<string, unknown>> = { ...samples, ...lists }
  const steps = Object.entries(stepTable).map(([op, fields]) => {
    const values = Object.entries(fields as Record<string, FieldKind>).map(([name, kind]) => [
      name,
      all[kind.split(/[:=]/)[0]!],
    ])
    return { op, ...Object.fromEntries(values) } as Step
  })
  t.strictSame(roundTrip(...steps), steps)
  t.end()
})

t.test('texts of every length are padded right', (t) => {
  for (let length = 0; length < 9; length++) {
    const step: Step = { op: 'hostname', name: 'x'.repeat(length) }
    t.strictSame(roundTrip(step), [step])
  }
  t.end()
})

t.test('64-bit values may be numbers or bigints', (t) => {
  const limit = (soft: number | bigint, hard: number | bigint): Step => ({ op: 'rlimit', resource: 7, soft, hard })
  t.strictSame(roundTrip(limit(2 ** 53 - 1, 0)), [limit(2n ** 53n - 1n, 0n)])
  t.strictSame(roundTrip(limit(2n ** 64n - 1n, 4294967296)), [limit(2n ** 64n - 1n, 2n ** 32n)])
  t.end()
})

t.test('a plan larger than the first buffer is encoded whole', (t) => {
  const env = Array.from({ length: 3000 }, (_, i) => `NAME${i}=${'välue'.repeat(30)}`)
  const step: Step = { op: 'program', args: ['sh'], env, cwd: '/', home: false, uid: 0 }
  const seccomp: Step = { op: 'seccomp', program: new Uint8Array(32768).fill(7), flags: 4, late: true, listener: false }
  t.strictSame(roundTrip(step, seccomp, { op: 'exec' }), [step, seccomp, { op: 'exec' }])
  t.end()
})

t.test('what a field cannot hold is refused', (t) => {
  const encode = (step: Step) => () => encodePlan(withSteps(step))
  t.throws(encode({ op: 'hostname', name: 'a\0b' }), TypeError)
  for (const mode of [-1, 0x100000000, 1.5, NaN]) t.throws(encode({ op: 'umask', mode }), RangeError)
  for (const soft of [-1, 2 ** 53, -1n, 2n ** 64n]) {
    t.throws(encode({ op: 'rlimit', resource: 0, soft, hard: 0 }), RangeError)
  }
  t.end()
})

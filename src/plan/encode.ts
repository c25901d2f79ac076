/**
 * Stage 2, plan: turns a LaunchPlan into the bytes that `tsrun-init` maps read-only and interprets.
 *
 * In the byte order of the machine. First the header (planHeader of steps.ts), four bytes each. Then each step:
 * u32 op (its place in stepTable), u32 length of the body (a multiple of 4), body. Fields in table order:
 *   u32, flag   4 bytes
 *   u64         8 bytes, 4-byte aligned
 *   text        u32 length without NUL, UTF-8 bytes, NUL, zeros up to a multiple of 4
 *   texts       u32 count, u32 length of what follows, then each as text
 *   u32s        u32 count, items
 *   bytes       u32 length, bytes, zeros up to a multiple of 4
 */
import { type FieldKind, planHeader, type Step, type StepName, stepTable } from './steps.js'
import type { LaunchPlan } from './types.js'
import { wireHash } from './wire-hash.js'

const headerNames = Object.keys(planHeader) as (keyof typeof planHeader)[]
/** Where a member of the header stands, in bytes. */
export const headerOffset = (name: keyof typeof planHeader): number => 4 * headerNames.indexOf(name)
/** Length of the header in bytes. */
export const headerLength = 4 * headerNames.length

const noDescriptor = 0xffffffff
const maxU64 = 0xffffffffffffffffn

/**
 * Append-only buffer; every item starts 4-byte aligned, so 32-bit words are written through `words`. A
 * plain object with functions around it: this runs once per process, before any compiler has warmed up,
 * where private members and a DataView take several times as long.
 */
interface Output {
  bytes: Uint8Array<ArrayBuffer>
  words: Uint32Array
  /** In bytes, as is `capacity`. */
  length: number
  capacity: number
  readonly encoder: InstanceType<typeof TextEncoder>
}

type BaseKind = Exclude<FieldKind, `${string}:${string}` | `${string}=${string}`>

/** Appends the value of a field. The type of Step ties it to its kind; that tie is lost when fields are walked by name. */
type Put = (output: Output, value: never) => void

const puts: Readonly<Record<BaseKind, Put>> = {
  u32: putU32,
  u64: putU64,
  flag: (output, value: boolean) => putU32(output, value ? 1 : 0),
  text: putText,
  texts: putTexts,
  u32s: putU32s,
  bytes: putBytes,
}

function putOf(kind: FieldKind): Put {
  const end = kind.search(/[:=]/)
  return puts[(end < 0 ? kind : kind.slice(0, end)) as BaseKind]
}

/** A step's number, and its fields with what appends them. */
interface Layout {
  readonly op: number
  readonly names: readonly string[]
  readonly puts: readonly Put[]
}

const layoutOf = ([name, kinds]: [string, Readonly<Record<string, FieldKind>>], op: number): [string, Layout] => [
  name,
  { op, names: Object.keys(kinds), puts: Object.values(kinds).map(putOf) },
]

/** Made when the module is loaded, which the executable has behind it when it starts. */
const layouts = Object.fromEntries(Object.entries(stepTable).map(layoutOf)) as Readonly<Record<StepName, Layout>>

/**
 * Encodes a plan for `tsrun-init`.
 *
 * @throws TypeError for a text with a NUL byte, RangeError for a number that its field cannot hold;
 * neither can come from a config that was parsed by stage 1.
 */
export function encodePlan(plan: LaunchPlan): Uint8Array {
  const capacity = 16 * 1024
  const bytes = new Uint8Array(capacity)
  const output: Output = {
    bytes,
    words: new Uint32Array(bytes.buffer),
    length: 0,
    capacity,
    encoder: new TextEncoder(),
  }
  putHeader(output, plan)
  for (const step of plan.steps) {
    const layout = layouts[step.op]
    putU32(output, layout.op)
    const bodyLength = skipU32(output)
    putFields(output, step, layout)
    patchU32(output, bodyLength, output.length - bodyLength - 4)
  }
  patchU32(output, headerOffset('totalLength'), output.length)
  return output.bytes.subarray(0, output.length)
}

function putHeader(output: Output, { steps, preserveFds }: LaunchPlan): void {
  const header: Readonly<Record<keyof typeof planHeader, number>> = {
    wireHash,
    stepCount: steps.length,
    totalLength: 0, // patched at the end
    preserveFds,
    syncFd: noDescriptor,
    startFd: noDescriptor,
    targetFd: noDescriptor,
  }
  for (const name of headerNames) putU32(output, header[name])
}

function putFields(output: Output, step: Step, { names, puts: all }: Layout): void {
  const values = step as unknown as Readonly<Record<string, unknown>>
  for (let i = 0; i < names.length; i++) (all[i] as Put)(output, values[names[i] as string] as never)
}

function putU32(output: Output, value: number): void {
  if (value >>> 0 !== value) throw outOfRange('u32', value)
  if (output.length + 4 > output.capacity) grow(output, 4)
  output.words[output.length >> 2] = value
  output.length += 4
}

/** Leaves room for a u32 that patchU32 fills in; returns its place. */
function skipU32(output: Output): number {
  putU32(output, 0)
  return output.length - 4
}

function patchU32(output: Output, at: number, value: number): void {
  output.words[at >> 2] = value
}

/** Low word first. */
function putU64(output: Output, value: number | bigint): void {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || value < 0) throw outOfRange('u64', value)
    putU32(output, value % 0x100000000)
    putU32(output, Math.floor(value / 0x100000000))
    return
  }
  if (value < 0n || value > maxU64) throw outOfRange('u64', value)
  putU32(output, Number(value & 0xffffffffn))
  putU32(output, Number(value >> 32n))
}

function putText(output: Output, value: string): void {
  if (value.indexOf('\0') >= 0) throw new TypeError(`text with a NUL byte: ${JSON.stringify(value)}`)
  // A UTF-16 unit takes at most three bytes of UTF-8.
  grow(output, value.length * 3 + 8)
  const start = output.length + 4
  const { written: all } = output.encoder.encodeInto(value, output.bytes.subarray(start))
  const written = all === value.length ? all : putPoints(output, value, start, start + all)
  putU32(output, written)
  output.length = padded(start + written + 1)
}

/** The same for what is not ASCII: a lone surrogate that stands for a byte is that byte, where the encoder of Node.js puts U+FFFD. */
function putPoints(output: Output, value: string, start: number, end: number): number {
  let at = start
  for (const point of value) {
    const unit = point.charCodeAt(0)
    if (point.length === 1 && unit >= 0xdc80 && unit <= 0xdcff) output.bytes[at++] = unit & 0xff
    else at += output.encoder.encodeInto(point, output.bytes.subarray(at)).written
  }
  // What was there before is longer.
  output.bytes.fill(0, at, end)
  return at - start
}

function putTexts(output: Output, values: readonly string[]): void {
  putU32(output, values.length)
  const length = skipU32(output)
  for (const value of values) putText(output, value)
  patchU32(output, length, output.length - length - 4)
}

function putU32s(output: Output, values: readonly number[]): void {
  putU32(output, values.length)
  for (const value of values) putU32(output, value)
}

function putBytes(output: Output, value: Uint8Array): void {
  putU32(output, value.length)
  grow(output, value.length + 4)
  output.bytes.set(value, output.length)
  output.length = padded(output.length + value.length)
}

function padded(length: number): number {
  return (length + 3) & ~3
}

/** Makes room for `more` bytes. */
function grow(output: Output, more: number): void {
  const needed = output.length + more
  if (needed <= output.capacity) return
  const capacity = padded(Math.max(needed, output.capacity * 2))
  const bytes = new Uint8Array(capacity)
  bytes.set(output.bytes)
  output.capacity = capacity
  output.bytes = bytes
  output.words = new Uint32Array(bytes.buffer)
}

function outOfRange(kind: string, value: number | bigint): RangeError {
  return new RangeError(`${value} does not fit a field of kind ${kind}`)
}

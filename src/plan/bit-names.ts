/** Stage 2, plan: the numbers of a plan as the names that people know them by. */
import { deviceType, memoryPolicyFlag, memoryPolicyMode } from '../config/vocabulary/linux.js'
import { legacyMountFlag, mountAttr, propagationBit } from '../config/vocabulary/mounts.js'
import { cloneFlag } from '../config/vocabulary/namespaces.js'
import { rlimitNumber, schedulerFlag, schedulerPolicy } from '../config/vocabulary/process.js'
import { seccompFlag } from '../config/vocabulary/seccomp.js'
import type { NumberTable } from '../config/vocabulary/table.js'
import { capabilityList } from './identity.js'
import { unlimited } from './rlimits.js'
import { planEvent } from './steps.js'

/** A number as people read it: names of the bits that are set, one name, or the number itself. */
export type NamedValue = string | number | readonly string[]

const fileTypes: NumberTable = { char: deviceType.c, block: deviceType.b, fifo: deviceType.p }

/**
 * The value of a field whose kind ends in `:NAME` (steps.ts). Kinds that are not known here, and bits
 * without a name, stay numbers; those that a double cannot hold become text.
 */
export function nameValue(kind: string, value: number | bigint): NamedValue {
  switch (kind) {
    case 'mountAttr':
      return mountAttributeNames(Number(value))
    case 'cloneFlag':
      return bitNames(cloneFlag, Number(value))
    case 'propagation':
      return bitNames(propagationBit, Number(value))
    case 'legacyMount':
      return bitNames(legacyMountFlag, Number(value))
    case 'seccompFlag':
      return bitNames(seccompFlag, Number(value))
    case 'schedFlag':
      return bitNames(schedulerFlag, Number(value))
    case 'capability':
      return capabilityList(value)
    case 'memoryPolicyFlag':
      return bitNames(memoryPolicyFlag, Number(value))
    case 'memoryPolicy':
      return oneName(memoryPolicyMode, value)
    case 'event':
      return oneName(planEvent, value)
    case 'schedPolicy':
      return oneName(schedulerPolicy, value)
    case 'rlimit':
      return oneName(rlimitNumber, value)
    case 'fileType':
      return oneName(fileTypes, value)
    case 'octal':
      return Number(value).toString(8).padStart(4, '0')
    case 'signed':
      return Number(value) | 0
    case 'parentSource':
      return value === 0 ? '' : plainNumber(value)
    case 'limit':
      return value === unlimited ? 'unlimited' : plainNumber(value)
    default:
      return plainNumber(value)
  }
}

/** Names of the bits in `value`, in the table's order; what has no name comes last, in hexadecimal. */
export function bitNames(names: NumberTable, value: number): string[] {
  const found: string[] = []
  let rest = value
  for (const [name, bits] of Object.entries(names)) {
    if ((value & bits) !== bits) continue
    found.push(name)
    rest &= ~bits
  }
  if (rest !== 0) found.push(`0x${(rest >>> 0).toString(16)}`)
  return found
}

/** `atime` is the whole field of access times, which `noatime` and `strictatime` are values of. */
function mountAttributeNames(value: number): string[] {
  const { atime, noatime, strictatime, ...bits } = mountAttr
  if ((value & atime) === atime) return [...bitNames(bits, value & ~atime), 'atime']
  return bitNames({ ...bits, noatime, strictatime }, value)
}

function oneName(names: NumberTable, value: number | bigint): string | number {
  const found = Object.entries(names).find(([, number]) => number === Number(value))
  return found?.[0] ?? plainNumber(value)
}

function plainNumber(value: number | bigint): string | number {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value.toString()
}

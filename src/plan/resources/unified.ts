/** Stage 2, plan: files of cgroup v2 by their names (config-linux.md "Unified"), as the limits that they are. Pure. */
import type { Resources } from '../../config/types.js'
import { UnsupportedError } from '../../errors.js'
import { contradiction, limit } from './limits.js'
import type { Limit, LimitId } from './types.js'

/** What the unified hierarchy of the host offers. */
export interface UnifiedHost {
  readonly mountPoint: string | undefined
  readonly controllers: readonly string[]
}

const units = 'kmgtpe'

/** A number as the kernel reads it (memparse, kstrtoull): decimal, octal or hexadecimal, with a unit of 1024. */
function readAmount(text: string): bigint | undefined {
  const [, digits = '', unit = ''] = /^(0x[\da-f]+|0[0-7]*|[1-9]\d*)([kmgtpe]?)$/i.exec(text) ?? []
  if (digits === '') return undefined
  const number = /^0[0-7]/.test(digits) ? BigInt(`0o${digits.slice(1)}`) : BigInt(digits)
  return number << BigInt(10 * (unit === '' ? 0 : units.indexOf(unit.toLowerCase()) + 1))
}

type Value = Limit['value'] | undefined
type Reader = (text: string) => Limit[] | undefined

const unlessBroken = (id: LimitId, value: Value): Limit[] | undefined =>
  value === undefined ? undefined : limit(id, value)
const amount =
  (id: LimitId): Reader =>
  (text) =>
    unlessBroken(id, text === 'max' ? text : readAmount(text))
const integer =
  (id: LimitId): Reader =>
  (text) =>
    unlessBroken(id, /^[+-]?\d{1,15}$/.test(text) ? Number(text) : undefined)

/** What is understood; each gives undefined for a text that the kernel would refuse. */
const readers: Readonly<Record<string, Reader>> = {
  'cpuset.cpus': (text) => limit('cpuset.cpus', text),
  'cpuset.mems': (text) => limit('cpuset.mems', text),
  'cpu.weight': integer('cpu.weight'),
  'cpu.weight.nice': integer('cpu.nice'),
  'cpu.idle': integer('cpu.idle'),
  'cpu.max.burst': integer('cpu.burst'),
  'cpu.max'(text) {
    const [, quota, period] = /^(max|\d{1,15})(?:\s+(\d{1,15}))?$/.exec(text) ?? []
    if (quota === undefined) return undefined
    return [
      ...limit('cpu.quota', quota === 'max' ? quota : Number(quota)),
      ...limit('cpu.period', period === undefined ? undefined : Number(period)),
    ]
  },
  'memory.max': amount('memory.limit'),
  'memory.high': amount('memory.high'),
  'memory.low': amount('memory.reservation'),
  'memory.min': amount('memory.min'),
  'memory.swap.max': amount('memory.swapMax'),
  'memory.oom.group': integer('memory.oomGroup'),
  'pids.max': amount('pids.limit'),
  // The other form, of a device, is one of those that are written as they are.
  'io.weight': (text) => (/^\d+:/.test(text) ? fileLines('io.weight', text) : integerOfAll(text)),
}

const integerOfAll: Reader = (text) => integer('io.weightOfAll')(text.replace(/^default\s+/, ''))

/** Each line of a value is one write. */
const fileLines = (file: string, text: string): Limit[] => limit('unified.file', text, file)

/** @throws ConfigError for a value that a file does not take */
export function unifiedLimits({ unified = {} }: Resources): Limit[] {
  return Object.entries(unified).flatMap(([file, value]): Limit[] => {
    const text = value.trim()
    const read = Object.hasOwn(readers, file) ? readers[file] : undefined
    const found = read === undefined ? fileLines(file, text) : read(text)
    if (found !== undefined) return found
    throw contradiction(`unified/${file}`, `${JSON.stringify(value)} is not a value of this file`)
  })
}

/**
 * The controllers that the files need.
 * @throws ConfigError for a key that is not the name of a file, UnsupportedError for a missing controller
 */
export function unifiedControllers({ unified = {} }: Resources, host: UnifiedHost): string[] {
  return Object.keys(unified).flatMap((file) => {
    const controller = controllerOf(file)
    if (host.mountPoint === undefined) {
      const message = `unified resource ${JSON.stringify(file)} can't be set: the host has no cgroup v2 hierarchy`
      throw new UnsupportedError('linux.resources.unified', message)
    }
    if (controller === 'cgroup') return []
    if (!host.controllers.includes(controller)) throw missing(file, controller, host.mountPoint)
    return [controller]
  })
}

function controllerOf(file: string): string {
  const quoted = JSON.stringify(file)
  if (file.includes('/')) {
    throw contradiction('unified', `unified resource ${quoted} must be a file name (no slashes)`)
  }
  const dot = file.indexOf('.')
  if (dot <= 0) throw contradiction('unified', `unified resource ${quoted} must be in the form CONTROLLER.PARAMETER`)
  return file.slice(0, dot)
}

function missing(file: string, controller: string, mountPoint: string): UnsupportedError {
  const what = `unified resource ${JSON.stringify(file)} can't be set: controller "${controller}" not available`
  return new UnsupportedError(`cgroup controller ${controller}`, `${what} (not in ${mountPoint}/cgroup.controllers)`)
}

/**
 * Library: what its functions take, as shapes. Good options pass a quick check; what does not is looked at by zod, which
 * is only loaded then.
 */
import type { Path } from '../config/pointer.js'
import { dropAbsent } from '../config/schema/absent.js'
import { matches } from '../config/schema/matches.js'
import { integer, lazily, list, object, oneOf, type ObjectNode, type Shape } from '../config/schema/shape.js'
import { processChanges } from '../config/schema/process-changes.js'
import { resourcesShape } from '../config/schema/resources.js'
import { flag, text, texts, uint16 } from '../config/schema/values.js'
import { parseSignal } from '../config/signals.js'
import { stringifyConfig } from '../config/stringify.js'
import type { Config } from '../config/types.js'
import { nearest } from '../config/suggest.js'
import { UsageError } from '../errors.js'
import { isStdio } from './stdio.js'
import type { SyscallHandlers } from './supervisor.js'

/** A signal by its number (1 to 64) or its name, such as `SIGTERM` or `TERM`. */
export type Signal = number | NodeJS.Signals | (string & {})

/** The number of a signal. @throws UsageError */
export function signalNumber(signal: Signal): number {
  if (typeof signal === 'number' && Number.isInteger(signal) && signal >= 0 && signal <= 64) return signal
  if (typeof signal === 'string') return parseSignal(signal)
  throw new UsageError(`unknown signal ${String(signal)}`)
}

/** What no JSON has. */
export function value<T>(test: (given: unknown) => boolean, expected: string): Shape<T> {
  return { kind: 'value', test, expected }
}

/** The text of a config. @throws UsageError for one with members that no JSON has */
export function configText(config: Config): string {
  try {
    assertPlain(config)
    return stringifyConfig(config)
  } catch (cause) {
    throw new UsageError('a config must be plain data', { cause })
  }
}

function assertPlain(value: unknown): void {
  if (typeof value === 'function' || typeof value === 'symbol') throw new TypeError(`there is a ${typeof value}`)
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(assertPlain)
}

const isFunction = (given: unknown): boolean => typeof given === 'function'

/** A function. */
export const callable = value<() => void>(isFunction, 'a function')
/** An object that others check. */
export const document = value<object>(
  (given) => typeof given === 'object' && given !== null && !Array.isArray(given),
  'a document',
)
/** Mounts, which are checked as in a config. */
export const mountList = list(document)
const milliseconds = value<number>(
  (given) => typeof given === 'number' && given > 0 && given < 2 ** 31,
  'milliseconds, above 0 and below 2^31',
)
/** An AbortSignal. */
export const abortSignal = value<AbortSignal>((given) => given instanceof AbortSignal, 'an AbortSignal')
/** A signal. */
export const signal = value<Signal>((given) => isSignal(given), 'the number or the name of a signal')
/** Standard streams. */
export const stdio = value(
  isStdio,
  "'pipe', 'inherit', 'ignore', a descriptor, a stream, { file }, or a list of three of these",
)
const strict = { strict: true }

function isSignal(given: unknown): boolean {
  try {
    signalNumber(given as Signal)
    return true
  } catch {
    return false
  }
}

const size = lazily(() => object({ cols: uint16, rows: uint16 }, {}, strict))
const terminal = value(
  (given) => typeof given === 'boolean' || matches(size(), given),
  'true, false, or { cols, rows } in characters',
)
const life = { timeout: milliseconds, killSignal: signal, signal: abortSignal }
const preserved = integer(0, 1 << 20)

/** Options of `new Runtime`. */
export const runtimeShape = lazily(() =>
  object(
    {},
    {
      root: text,
      systemdCgroup: flag,
      cgroupManager: oneOf('cgroup manager', { cgroupfs: 0, systemd: 0, disabled: 0 }),
      rootless: value((given) => typeof given === 'boolean' || given === 'auto', "true, false or 'auto'"),
      onWarning: callable,
    },
    strict,
  ),
)

const bundleMembers = {
  ...{ config: document, consoleSocket: text, pidfdSocket: text, pidFile: text, preserveFds: preserved },
  ...{ notifySocket: text, listenFds: preserved, noPivot: flag, noNewKeyring: flag },
}

/** Functions that decide system calls. */
export const syscallHandlers = value<SyscallHandlers>(
  (given) => document.kind === 'value' && document.test(given) && Object.values(given as object).every(isFunction),
  'functions, by the names of system calls',
)
/** Options of `Runtime.create`. */
export const createShape = lazily(() =>
  object(
    { bundle: text },
    { ...bundleMembers, ...life, stdio, terminal, killOnExit: flag, onSyscall: syscallHandlers },
    strict,
  ),
)
/** Options of `Runtime.run`. */
export const foregroundShape = lazily(() =>
  object({ bundle: text }, { ...bundleMembers, detach: flag, keep: flag, noSubreaper: flag }, strict),
)
const criuMembers = {
  ...{ workPath: text, tcpEstablished: flag, extUnixSk: flag, shellJob: flag, fileLocks: flag, lazyPages: flag },
  ...{ autoDedup: flag, emptyNs: list(oneOf('namespace', { network: 0 })) },
  manageCgroupsMode: oneOf('mode', { soft: 0, full: 0, strict: 0, ignore: 0 }),
}
/** Options of `Runtime.restore`. */
export const restoreShape = lazily(() =>
  object(
    { bundle: text, imagePath: text },
    {
      ...{
        ...criuMembers,
        config: document,
        consoleSocket: text,
        pidFile: text,
        lsmProfile: text,
        lsmMountContext: text,
      },
      ...{ stdio, terminal, killOnExit: flag },
    },
    strict,
  ),
)
/** Options of `checkpoint`. */
export const checkpointShape = lazily(() =>
  object(
    { imagePath: text },
    {
      ...{
        ...criuMembers,
        parentPath: text,
        preDump: flag,
        leaveRunning: flag,
        tcpSkipInFlight: flag,
        linkRemap: flag,
      },
      ...{ statusFd: preserved, pageServer: text },
    },
    strict,
  ),
)
/** Options of `Runtime.plan`. */
export const planShape = lazily(() => object({ bundle: text }, { ...bundleMembers, id: text }, strict))

const execMembers = {
  ...{ consoleSocket: text, pidfdSocket: text, pidFile: text, preserveFds: preserved },
  ...{ cgroup: texts, ignorePaused: flag, stdio, ...life },
}
/** Options of `exec` with a whole process. */
const execProcessShape = lazily(() => object({ process: document }, execMembers, strict))
/** Options of `exec` with changes to the config's process. */
const execChangesShape = lazily(() => {
  const { required, optional } = processChanges()
  return object(required, { ...execMembers, ...optional, terminal }, strict)
})
/** The shape of the options of `exec`. */
export const execShape = (options: unknown): Shape<object> =>
  typeof options === 'object' && options !== null && 'process' in options ? execProcessShape() : execChangesShape()

/** Options of `events`. */
export const eventsShape = lazily(() =>
  object(
    {},
    {
      ...{ interval: value((given) => typeof given === 'number', 'milliseconds'), signal: abortSignal },
      memoryPressure: object(
        {},
        {
          ...{ stall: milliseconds, window: milliseconds },
          level: oneOf('level', { low: 0, medium: 0, critical: 0 }),
        },
        strict,
      ),
    },
    strict,
  ),
)
/** Options of `wait`. */
export const waitShape = lazily(() => object({}, { signal: abortSignal }, strict))
/** Options of `output`. */
export const outputShape = lazily(() => object({}, { maxBuffer: integer(0, 2 ** 40), signal: abortSignal }, strict))
/** Options of `kill`. */
export const killShape = lazily(() => object({}, { all: flag }, strict))
/** Options of `delete`. */
export const deleteShape = lazily(() => object({}, { force: flag, signal: abortSignal }, strict))
/** Options of `start`. */
export const startShape = lazily(() => object({}, { notifySocket: text, signal: abortSignal }, strict))
/** What resctrl allows. */
export const rdtShape = lazily(() => object({}, { l3CacheSchema: text, memBwSchema: text, schemata: texts }, strict))
/** The names of limits; what they hold is checked as in a config. */
export const resourceNames = lazily(() => {
  const anything = value(() => true, 'anything')
  const { members } = resourcesShape() as ObjectNode
  return object({}, Object.fromEntries(Object.keys(members).map((name) => [name, anything])), strict)
})

/**
 * Options of a function that fit its shape; undefined members count as absent.
 * @throws UsageError that names every option that does not fit, and for an unknown one what may have been meant
 */
export async function checkOptions<T>(what: string, shape: Shape<object>, options: T): Promise<T> {
  const given = givenOf(what, shape, options)
  if (matches(shape, given)) return given as T
  const { read } = await import('../config/schema/zod.js')
  const outcome = read(shape, given)
  if ('value' in outcome) return outcome.value as T
  throw usageError(
    what,
    outcome.issues.map(
      ({ pointer, message }) => `${pointer === '' ? '' : `${pointer.slice(1).replaceAll('/', '.')}: `}${message}`,
    ),
  )
}

/** The same for a function that cannot wait: it says less of what is wrong. @throws UsageError */
export function checkNow<T extends object>(what: string, shape: Shape<object>, options: T): T {
  const given = givenOf(what, shape, options)
  if (matches(shape, given)) return given as T
  const members = (shape as ObjectNode).members
  const names = typeof given === 'object' && given !== null ? Object.keys(given) : []
  const problems = names.flatMap((name) => {
    const known = members[name]
    const meant = nearest(name, Object.keys(members))
    if (known === undefined) return `unknown member "${name}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`
    return matches(known, (given as Record<string, unknown>)[name]) ? [] : `${name} has a value that it cannot have`
  })
  throw usageError(what, problems.length === 0 ? ['must be an object'] : problems)
}

/** @throws UsageError for a member of a map that would be left out for its name, such as a variable */
function givenOf(what: string, shape: Shape<object>, options: unknown): unknown {
  const hidden: Path[] = []
  const given = dropAbsent(shape, options, hidden)
  if (hidden.length === 0) return given
  throw usageError(
    what,
    hidden.map((path) => `${path.join('.')}: no member may have this name`),
  )
}

/** What is there of some options. */
export const present = <T extends object>(options: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as typeof options

const usageError = (what: string, problems: readonly string[]): UsageError =>
  new UsageError(`invalid options of ${what}: ${problems.join('; ')}`)

/**
 * Command line: reads arguments in the syntax of Go's flag package, which is what callers of runc
 * write (`-flag`, `--flag`, `--flag=value`, `--flag value`).
 * Pure.
 */
import { UsageError } from '../core.js'

/** One option of a command or of tsrun itself: the parser, `--help` and the man pages' test go by it. */
export interface OptionSpec {
  /** Long name without dashes. */
  readonly name: string
  /** One letter. */
  readonly short?: string
  /** `boolean` takes a value only as `--name=false`; `list` may be repeated, commas don't separate. */
  readonly kind: 'boolean' | 'string' | 'int' | 'list'
  /** What stands for the value in `--help`, in capitals; `VALUE` when absent. */
  readonly value?: string
  readonly default?: string | number
  /** The values that there are. Who takes the option refuses others; completion offers these. */
  readonly choices?: readonly string[]
  /** Smallest value of an `int`. */
  readonly min?: number
  /** Member of the command's values that it sets, where that is not the name in camel case. */
  readonly member?: string
  /** A `boolean` that is not given is absent instead of false. */
  readonly optional?: true
  /**
   * Makes a value of the text, of each in a `list`; undefined is as if it were not given.
   * @throws UsageError, which is an error of the command: it is read when all flags are known
   */
  readonly read?: (text: string, option: OptionSpec) => unknown
  readonly description: string
}

/** An option as it was given, with its value as text; a `boolean` is switched on. */
export type GivenOption = readonly [option: OptionSpec, value: string | undefined]

/** What was given as options, and apart from them what isn't an option. */
export interface PlainArguments {
  /** Those with a value in their order, then what is switched on. */
  readonly given: readonly GivenOption[]
  readonly positionals: readonly string[]
  /** `-h` or `--help` was given. */
  readonly help: boolean
}

/** The first positional ends the flags where this option was among them. */
export interface StopWith {
  readonly with: string
}

const helpOption: OptionSpec = { name: 'help', short: 'h', kind: 'boolean', description: 'show help' }

/** How crun spells what every command has. */
const synonyms: Readonly<Record<string, string>> = { V: 'version', '?': 'help', usage: 'help' }

/** The values that strconv.ParseBool of Go takes. */
const booleans: Readonly<Record<string, boolean>> = {
  ...{ '1': true, t: true, T: true, true: true, TRUE: true, True: true },
  ...{ '0': false, f: false, F: false, false: false, FALSE: false, False: false },
}

/**
 * Sorts arguments into flags and positionals. `--` ends the flags, and so does the first positional
 * with `stopAtPositional`. The last of several values wins, except for lists.
 *
 * @throws UsageError in the words of Go's flag package, which callers search for.
 */
export function normaliseArguments(
  args: readonly string[],
  table: readonly OptionSpec[],
  options: { readonly stopAtPositional: boolean | StopWith },
): PlainArguments {
  const switches = new Map<OptionSpec, boolean>()
  const given: GivenOption[] = []
  const positionals: string[] = []
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] as string
    if (!arg.startsWith('-') || arg === '-') {
      positionals.push(arg)
      if (!stops(options.stopAtPositional, given)) continue
      positionals.push(...args.slice(at + 1))
      break
    }
    if (arg === '--') {
      positionals.push(...args.slice(at + 1))
      break
    }
    const { name, value } = splitFlag(arg)
    const option = findOption(table, name)
    const cluster = option === undefined && value === undefined ? clusterOf(table, arg) : undefined
    if (cluster !== undefined) {
      for (const letter of cluster) switches.set(letter, true)
      continue
    }
    if (option === undefined) throw new UsageError(`flag provided but not defined: -${name}`)
    if (option.kind === 'boolean') {
      switches.set(option, value === undefined || parseBoolean(name, value))
      continue
    }
    const text = value ?? args[++at]
    if (text === undefined) throw new UsageError(`flag needs an argument: -${name}`)
    given.push([option, text])
  }
  const help = switches.get(helpOption) === true
  switches.delete(helpOption)
  for (const [option, on] of switches) if (on) given.push([option, undefined])
  return { given, positionals, help }
}

const stops = (when: boolean | StopWith, given: readonly GivenOption[]): boolean =>
  typeof when === 'boolean' ? when : given.some(([{ name }]) => name === when.with)

/** For `read`: an empty value is none. */
export const unlessEmpty = (text: string): string | undefined => text || undefined

/** `preserve-fds` in camel case, or what its row says. */
export function memberOf({ name, member }: OptionSpec): string {
  if (member !== undefined || !name.includes('-')) return member ?? name
  const [first = '', ...others] = name.split('-')
  return others.reduce((all, part) => all + part.charAt(0).toUpperCase() + part.slice(1), first)
}

/**
 * The number that an option of kind `int` was given.
 *
 * @throws UsageError when it isn't a decimal integer or is below the option's minimum.
 */
export function parseInteger(option: OptionSpec, text: string): number {
  const value = /^[+-]?[0-9]+$/.test(text) ? Number(text) : NaN
  if (!Number.isSafeInteger(value)) throw badValue(option.name, text, 'parse error')
  if (option.min !== undefined && value < option.min) throw badValue(option.name, text, 'value out of range')
  return value
}

function splitFlag(arg: string): { name: string; value?: string } {
  const text = arg.slice(arg.startsWith('--') ? 2 : 1)
  if (text.startsWith('-') || text.startsWith('=')) throw new UsageError(`bad flag syntax: ${arg}`)
  const equals = text.indexOf('=')
  return equals < 0 ? { name: text } : { name: text.slice(0, equals), value: text.slice(equals + 1) }
}

function findOption(table: readonly OptionSpec[], name: string): OptionSpec | undefined {
  const isNamed = (option: OptionSpec): boolean => option.name === name || option.short === name
  const synonym = synonyms[name]
  const known = table.find(isNamed) ?? (isNamed(helpOption) ? helpOption : undefined)
  return known ?? (synonym === undefined ? undefined : findOption(table, synonym))
}

/** `-it`: several switches of one letter, which Go's flag package does not know but everybody types. */
function clusterOf(table: readonly OptionSpec[], arg: string): readonly OptionSpec[] | undefined {
  const letters = /^-([a-z]{2,})$/.exec(arg)?.[1] ?? ''
  const found = Array.from(letters, (letter) => table.find(({ short, kind }) => short === letter && kind === 'boolean'))
  return found.length > 0 && found.every((option) => option !== undefined) ? found : undefined
}

function parseBoolean(name: string, text: string): boolean {
  const value = Object.hasOwn(booleans, text) ? booleans[text] : undefined
  if (value === undefined)
    throw new UsageError(`invalid boolean value ${JSON.stringify(text)} for -${name}: parse error`)
  return value
}

function badValue(name: string, text: string, reason: string): UsageError {
  return new UsageError(`invalid value ${JSON.stringify(text)} for flag -${name}: ${reason}`)
}

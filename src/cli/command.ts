/** Command line: what a command is, and the Commander command that is made of it. */
import { Command, Option } from 'commander'
import { type CoreRuntime, UsageError } from '../core.js'
import { memberOf, normaliseArguments, type OptionSpec, parseInteger } from './argv.js'
import type { Log } from './log.js'
import type { OptionValues } from './options.js'

/** The value of a positional: `<name>` must be there, `[name]` may, `[name...]` takes all the rest. */
type ArgumentValue<A extends string> = A extends `${string}...${string}`
  ? readonly string[]
  : A extends `<${string}`
    ? string
    : string | undefined

/** What a command gets to work with. */
export interface CommandInput<O extends readonly OptionSpec[], A extends readonly string[]> {
  readonly options: OptionValues<O>
  readonly args: { readonly [I in keyof A]: ArgumentValue<A[I]> }
  /** What `restWith` has taken in the place of `args`. */
  readonly rest: readonly string[] | undefined
  readonly context: CommandContext
}

/** What all commands share. */
export interface CommandContext {
  readonly log: Log
  /** What --root says, absolute. */
  readonly root?: string
  /** All containers under the root. */
  runtime(): CoreRuntime
  /** Prints to stdout. */
  print(text: string): void
  /** Prints a line to stderr. */
  complain(line: string): void
}

/** What a command line may consist of. */
export interface Syntax<
  O extends readonly OptionSpec[] = readonly OptionSpec[],
  A extends readonly string[] = readonly string[],
> {
  readonly name: string
  readonly description: string
  readonly options: O
  /** Positionals in Commander's syntax. */
  readonly arguments: A
  /** What follows the first positional is never a flag. */
  readonly stopAtPositional?: boolean
  /** With this option the command takes any arguments, and what follows the first is never a flag. */
  readonly restWith?: string
}

/** One command of tsrun: a file of src/cli/commands exports it as `command`. */
export interface CommandSpec<
  O extends readonly OptionSpec[] = readonly OptionSpec[],
  A extends readonly string[] = readonly string[],
> extends Syntax<O, A> {
  /** The failure of the command is one of starting the container's process. */
  readonly startsProcess?: boolean
  /** Exit status after an error; 1 when absent. */
  readonly failureStatus?: number
  /** Does the work and returns the exit status. */
  run(input: CommandInput<O, A>): Promise<number> | number
}

/** Gives a command's `run` the types that follow from its tables. */
export function defineCommand<const O extends readonly OptionSpec[], const A extends readonly string[]>(
  spec: CommandSpec<O, A>,
): CommandSpec {
  return spec
}

/** Options in their order; a `boolean` that is on has no value. */
type Given = readonly (readonly [option: OptionSpec, value: string | number | undefined])[]

/** What parsing gives: `help` instead of values when it was asked for. */
export type Parsed = { readonly help: string } | ParsedValues

/** Options by their names in camel case, positionals as the table of the command has them. */
export interface ParsedValues {
  readonly help?: undefined
  readonly options: OptionValues<readonly OptionSpec[]>
  readonly args: readonly (string | readonly string[] | undefined)[]
  readonly rest: readonly string[] | undefined
}

/** The arguments don't fit the command; `help` is its help, `headline` goes above it. */
export class MisuseError extends UsageError {
  readonly headline: string
  readonly help: string
  constructor(message: string, details: { headline: string; help: string }) {
    super(message)
    this.headline = details.headline
    this.help = details.help
  }
}

/**
 * Parses the arguments of a command, which its help calls by `title`.
 *
 * @throws MisuseError for unknown flags, bad numbers, and a wrong number of positionals; UsageError of what reads a value
 */
export function parseArguments(title: string, spec: Syntax, args: readonly string[]): Parsed {
  const parsed = parsePlain(title, spec, args)
  if ('help' in parsed) return parsed
  const { given, positionals } = parsed
  const options = optionValues(spec.options, given)
  if (takesRest(spec, given)) return { options, args: [], rest: positionals }
  return { options, args: sortPositionals(spec, positionals), rest: undefined }
}

const takesRest = ({ restWith }: Syntax, given: Given): boolean =>
  restWith !== undefined && given.some(([{ name }]) => name === restWith)

/** Options as they were given, numbers as such; what is wrong with it is answered by the command's help. */
function parsePlain(
  title: string,
  spec: Syntax,
  args: readonly string[],
): { readonly help: string } | { readonly given: Given; readonly positionals: readonly string[] } {
  try {
    const stopAtPositional = spec.restWith === undefined ? spec.stopAtPositional === true : { with: spec.restWith }
    const { help, given, positionals } = normaliseArguments(args, spec.options, { stopAtPositional })
    if (help) return { help: buildCommand(title, spec).helpInformation() }
    const values = given.map(
      ([option, text]) =>
        [option, option.kind === 'int' && text !== undefined ? parseInteger(option, text) : text] as const,
    )
    if (!takesRest(spec, values)) assertCount(spec, positionals.length)
    return { given: values, positionals }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    const headline = error instanceof CountError ? 'Incorrect Usage.' : `Incorrect Usage: ${error.message}`
    throw new MisuseError(error.message, { headline, help: buildCommand(title, spec).helpInformation() })
  }
}

/** A Commander command with all options and positionals of a command's tables: it prints the help. */
export function buildCommand(title: string, spec: Syntax): Command {
  const command = new Command(title)
    .description(spec.description)
    .helpOption('-h, --help', 'show this help')
    // The width is fixed, since the executable has no process.stdout.
    .configureOutput({ getOutHelpWidth: () => 100, getOutHasColors: () => false })
  for (const option of spec.options) command.addOption(buildOption(option))
  for (const argument of spec.arguments) command.argument(argument)
  return command
}

function buildOption(spec: OptionSpec): Option {
  const flags = `${spec.short === undefined ? '' : `-${spec.short}, `}--${spec.name}`
  if (spec.kind === 'boolean') {
    const option = new Option(flags, spec.description)
    // For Commander `--no-pivot` would unset an option `pivot`; its name here is what Go makes of it.
    option.negate = false
    return option
  }
  const option = new Option(`${flags} <${spec.value ?? 'VALUE'}>`, spec.description)
  if (spec.default !== undefined) option.default(spec.default)
  return option
}

/**
 * The values by their members: of several the last, but of a list all. Commander would need 20 microseconds per option for this.
 *
 * @throws UsageError of what reads a value
 */
function optionValues(table: readonly OptionSpec[], given: Given): OptionValues<readonly OptionSpec[]> {
  const values: Record<string, unknown> = {}
  for (const option of table) {
    const fallback =
      option.kind === 'list' ? [] : option.kind === 'boolean' && !option.optional ? false : option.default
    if (fallback !== undefined) values[memberOf(option)] = fallback
  }
  for (const [option, plain] of given) {
    const name = memberOf(option)
    const value = plain === undefined ? true : option.read ? option.read(String(plain), option) : plain
    if (option.kind === 'list') (values[name] as unknown[]).push(value)
    else values[name] = value
  }
  return values as OptionValues<readonly OptionSpec[]>
}

const isVariadic = (argument: string): boolean => argument.includes('...')

/** One value per positional of the table; the last of them may take the rest. */
function sortPositionals(spec: Syntax, operands: readonly string[]): ParsedValues['args'] {
  return spec.arguments.map((argument, at) => (isVariadic(argument) ? operands.slice(at) : operands[at]))
}

class CountError extends UsageError {}

/** In runc's words. @throws CountError */
function assertCount(spec: Syntax, count: number): void {
  const least = spec.arguments.filter((argument) => argument.startsWith('<')).length
  const most = spec.arguments.some(isVariadic) ? Infinity : spec.arguments.length
  if (count >= least && count <= most) return
  const demand = least === most ? `exactly ${least}` : count < least ? `a minimum of ${least}` : `a maximum of ${most}`
  throw new CountError(`${JSON.stringify(spec.name)} requires ${demand} argument(s)`)
}

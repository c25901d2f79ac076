/** Command line: finds the command at hand, loads only that, runs it, and reports its error. */
import { CoreRuntime, UsageError } from '../core.js'
import { type CommandContext, type CommandSpec, MisuseError, parseArguments } from './command.js'
import { logOptions, runtimeOptions } from './globals.js'
import { Log, openSink } from './log.js'
import { globalOptions, type OptionValues, type traceOption } from './options.js'
import { printError, printOut } from './output.js'
import { describeError, formatReport } from './report.js'

/** A command in the list of all: a line for the help, and the module with the rest. */
export interface CommandEntry {
  readonly summary: string
  load(): Promise<{ readonly command: CommandSpec }>
}

/** All commands, in the order of `tsrun help`. */
export const commands: Readonly<Record<string, CommandEntry>> = {
  create: { summary: 'create a container', load: () => import('./commands/create.js') },
  start: { summary: 'start the process of a created container', load: () => import('./commands/start.js') },
  run: { summary: 'create and start a container', load: () => import('./commands/run.js') },
  exec: { summary: 'run a further process in a container', load: () => import('./commands/exec.js') },
  state: { summary: 'print the state of a container', load: () => import('./commands/state.js') },
  kill: { summary: 'send a signal to the init process', load: () => import('./commands/kill.js') },
  pause: { summary: 'stop all processes of a container', load: () => import('./commands/pause.js') },
  resume: { summary: 'let the processes of a paused container go on', load: () => import('./commands/resume.js') },
  ps: { summary: 'print the processes of a container', load: () => import('./commands/ps.js') },
  events: { summary: 'print statistics and OOM kills of a container', load: () => import('./commands/events.js') },
  delete: { summary: 'delete a container', load: () => import('./commands/delete.js') },
  mounts: { summary: 'add or remove mounts of a container', load: () => import('./commands/mounts.js') },
  update: { summary: 'change the limits of a container', load: () => import('./commands/update.js') },
  checkpoint: { summary: 'write a running container to files', load: () => import('./commands/checkpoint.js') },
  restore: { summary: 'make a container from such files', load: () => import('./commands/restore.js') },
  list: { summary: 'list the containers', load: () => import('./commands/list.js') },
  spec: { summary: 'write a config.json to start from', load: () => import('./commands/spec.js') },
  plan: { summary: 'print what create would do', load: () => import('./commands/plan.js') },
  image: {
    summary: 'keep images: import, pull, list, inspect, remove, gc, export',
    load: () => import('./commands/image.js'),
  },
  bundle: { summary: 'make bundles of images: create, delete', load: () => import('./commands/bundle.js') },
  features: { summary: 'print what this build supports', load: () => import('./commands/features.js') },
  top: { summary: 'watch what containers use', load: () => import('./commands/top.js') },
  trace: { summary: 'make a page of a trace', load: () => import('./commands/trace.js') },
  doctor: { summary: 'try what this host offers', load: () => import('./commands/doctor.js') },
  completion: { summary: 'print the completion of a shell', load: () => import('./commands/completion.js') },
  version: { summary: 'print the version', load: () => import('./commands/version.js') },
  help: { summary: 'print this help or that of a command', load: () => import('./commands/help.js') },
}

/** tsrun itself, seen as a command: its options are the global ones, its positionals the command's. */
export const program = {
  name: 'tsrun',
  description: 'tsrun creates and runs containers from OCI bundles.',
  options: globalOptions,
  arguments: ['[command]', '[arguments...]'],
  stopAtPositional: true,
} as const

/** What is known of an invocation so far; its error is reported by it. */
interface Invocation {
  log: Log
  command?: CommandSpec
  root?: string
}

/** Runs the command that the arguments name, or prints its error. Returns the exit status. */
export async function runProgram(args: readonly string[]): Promise<number> {
  const invocation: Invocation = { log: new Log({ format: 'text', debug: false, warnings: 'never' }) }
  try {
    const began = performance.now()
    const status = await runInvocation(invocation, args)
    invocation.log.succeed()
    invocation.log.debug('done', { status, milliseconds: millisecondsSince(began) })
    return status
  } catch (error) {
    return await fail(invocation, error)
  }
}

async function runInvocation(invocation: Invocation, args: readonly string[]): Promise<number> {
  const parsed = parseArguments('tsrun', program, args)
  if (parsed.help !== undefined) return print((await import('./commands/help.js')).programHelp())
  const globals = parsed.options as OptionValues<typeof globalOptions>
  if (globals.version) return print((await import('./version.js')).versionText())
  const options = logOptions(globals)
  const log = new Log(options, await openSink(options))
  log.open()
  invocation.log = log
  log.debug('command line', { args })
  if (globals.criu !== undefined) log.warning('--criu has no effect: criu is found by the PATH')
  const [name = 'help', rest] = parsed.args as readonly [string | undefined, readonly string[]]
  const command = await loadCommand(name)
  invocation.command = command
  const input = parseArguments(`tsrun ${name}`, command, rest)
  if (input.help !== undefined) return print(input.help)
  const context = makeContext(globals, log)
  if (context.root !== undefined) invocation.root = context.root
  const run = async (): Promise<number> =>
    command.run({ options: input.options, args: input.args as string[], rest: input.rest, context })
  const { trace } = input.options as OptionValues<readonly [typeof traceOption]>
  return trace === undefined ? await run() : await (await import('./trace.js')).traced(trace, name, run)
}

/**
 * The command with this name.
 *
 * @throws UsageError when there is none.
 */
export async function loadCommand(name: string): Promise<CommandSpec> {
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (entry === undefined) throw new UsageError(`unknown command ${JSON.stringify(name)}: see tsrun help`)
  return (await entry.load()).command
}

function makeContext(globals: OptionValues<typeof globalOptions>, log: Log): CommandContext {
  const options = runtimeOptions(globals)
  return {
    log,
    ...(options.root === undefined ? {} : { root: options.root }),
    print: printOut,
    complain: (line) => printError(`${line}\n`),
    runtime: () => new CoreRuntime({ ...options, onWarning: (message) => log.warning(message) }),
  }
}

function print(text: string): number {
  printOut(text)
  return 0
}

function millisecondsSince(began: number): number {
  return Math.round((performance.now() - began) * 1000) / 1000
}

/** stderr comes first: what follows may fail as well, but must not hide the error. */
async function fail({ log, command, root }: Invocation, error: unknown): Promise<number> {
  const report = describeError(error, command, (await import('./hints.js')).hintFor(error, { command, root }))
  printError(formatReport(report, log.options))
  try {
    if (log.isKept) log.debug('stack trace', { stack: report.stack })
    // Engines show the message alone.
    log.error(report.hint === undefined ? report.message : `${report.message} (hint: ${report.hint})`, report.fields)
    if (error instanceof MisuseError) {
      const help = command === undefined ? (await import('./commands/help.js')).programHelp() : error.help
      printOut(`${error.headline}\n\n${help}`)
    }
  } catch (another) {
    printError(`also failed while reporting: ${describeError(another).message}\n`)
  }
  // As of runc, whose 255 is for what it has tried to do.
  return error instanceof MisuseError ? 1 : (command?.failureStatus ?? 1)
}

/**
 * Test helper: lets each system call of a command fail in turn, or kills a process of it there, and looks whether what
 * the runtime says is what has happened. All that must hold whatever fails is here.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle } from './bundle.js'
import { errnos, withFault, type Fault, type Faulted } from './fault.js'
import type { RunOptions } from './runtime.js'
import type { Scope } from './scope.js'
import { commands, consoleOf, type Command, type Configuration, type Target } from './sweep-commands.js'

/** Milliseconds: no limit of the runtime is longer than 10 s, and one command may run into two of them. */
const longest = 25_000

/** Where faults are. */
export interface Sweep {
  readonly command: keyof typeof commands
  readonly configuration: Configuration
  /** Only each so-manieth place, beginning with this one. */
  readonly step: number
  readonly first: number
}

/** What all targets of a sweep are made from. */
interface Ground {
  readonly scope: Scope
  readonly bundle: Bundle
  readonly options: RunOptions
  readonly console: string | undefined
}

function targetOf({ scope, bundle, options, console }: Ground): Target {
  const id = scope.newId()
  return {
    ...{ id, bundle, console },
    run: (...args) => scope.runtime(args, options),
    status: () => {
      if (!readdirSync(scope.root).includes(id)) return 'absent'
      const { status, stdout, stderr } = scope.runtime(['state', id])
      return status === 0 ? (JSON.parse(stdout) as { status: string }).status : stderr
    },
  }
}

function prepare(target: Target, before: Command['before']): void {
  if (before === undefined) return
  const command = [...(before === 'created' ? ['create'] : ['run', '--detach']), ...consoleOf(target.console)]
  const made = target.run(...command, '--bundle', target.bundle.path, target.id)
  if (made.status !== 0) throw new Error(`${command.join(' ')}: ${made.stderr}`)
  if (before === 'paused' && target.run('pause', target.id).status !== 0) throw new Error('it cannot be paused')
}

const hasStack = (text: string): boolean => /internal error|TypeError|RangeError|\n +at |undefined/.test(text)

/** What is wrong with how a command went, besides its own truth. */
function misbehaviour({ report, ms, stderr, status }: Faulted, killed: boolean): string | undefined {
  if (report.hung || ms > longest) return `it took ${Math.round(ms)} ms`
  if (hasStack(stderr)) return `it says ${stderr}`
  if (killed || status === 0) return undefined
  if (status === null || status < 0) return `it was ended by signal ${String(status)}`
  return stderr.trim() === '' ? 'it fails without a word' : undefined
}

/** One fault. @returns what is wrong */
function tryFault(ground: Ground, command: Command, fault: Fault): string[] {
  const { scope, options } = ground
  const target = targetOf(ground)
  prepare(target, command.before)
  const result = withFault(scope, command.args(target), fault, options)
  const killed = fault.mode === 'kill'
  const wrong = [misbehaviour(result, killed)]
  if (result.status === 0) wrong.push(command.afterSuccess(target, result))
  else if (!killed || fault.process > 0) wrong.push(command.afterFailure?.(target, result))
  const { status, stderr } = target.run('delete', '--force', target.id)
  if (status !== 0 || hasStack(stderr)) wrong.push(`delete --force afterwards: ${stderr}`)
  wrong.push(...scope.leftovers().map((left) => `left: ${left}`))
  const { number, path, name } = result.report
  const place = `call ${number}${path === '' ? '' : ` of ${path}`} in ${name}`
  const told = result.stderr.trim()
  return wrong
    .filter((one) => one !== undefined)
    .map(
      (one) => `${JSON.stringify(fault)} (${place}), status ${result.status}: ${one}${told === '' ? '' : ` [${told}]`}`,
    )
}

/** All faults of a sweep: at each place an errno in turn, and a kill after them. */
function faultsOf(ground: Ground, command: Command, { step, first }: Sweep): Fault[] {
  const target = targetOf(ground)
  prepare(target, command.before)
  const { status, stderr, report } = withFault(ground.scope, command.args(target), { mode: 'count' }, ground.options)
  if (status !== 0) throw new Error(`${command.args(target).join(' ')}: ${stderr}`)
  target.run('delete', '--force', target.id)
  const kinds = [...Object.values(errnos), 'kill'] as const
  const all = report.processes.flatMap(({ calls }, process) =>
    Array.from({ length: calls }, (_, at) => at + 1).flatMap((call) =>
      kinds.map((kind): Fault =>
        kind === 'kill' ? { mode: 'kill', process, call } : { mode: 'fail', process, call, errno: kind },
      ),
    ),
  )
  return all.filter((_, at) => at % step === first % step)
}

/** How a sweep went. */
export interface Swept {
  readonly faults: number
  readonly wrong: readonly string[]
}

/** Runs a sweep. @throws when the command fails without a fault */
export async function sweep(scope: Scope, which: Sweep): Promise<Swept> {
  const { change, globals, terminal } = which.configuration
  const console = terminal && scope.path('consoles')
  if (console !== undefined) await scope.peer('consoles', console)
  const ground: Ground = { scope, bundle: scope.bundle(change), options: globals ? { globals } : {}, console }
  const command: Command = commands[which.command]
  const faults = faultsOf(ground, command, which)
  return { faults: faults.length, wrong: faults.flatMap((fault) => tryFault(ground, command, fault)) }
}

/** Removes what a sweep has left where it failed. */
export function cleanAfter(scope: Scope): void {
  for (const id of readdirSync(scope.root)) if (!id.startsWith('.')) scope.runtime(['delete', '--force', id])
  scope.runner.runProgram('rm', ['-f', join(scope.folder, 'fault-report')])
}

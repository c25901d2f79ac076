/**
 * Test helper: lets each system call of a command fail in turn, or kills a process of it there, and looks whether what
 * the runtime says is what has happened. All that must hold whatever fails is here.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle } from './bundle.js'
import type { Change } from './config.js'
import { errnos, withFault, type Fault, type Faulted } from './fault.js'
import { both } from './id-maps.js'
import { awaitProcess } from './peer.js'
import type { Scope } from './scope.js'

const accept4 = 288

/** Milliseconds: no limit of the runtime is longer than 10 s, and one command may run into two of them. */
const longest = 25_000

/** A container of a sweep, by the commands of the runtime. */
interface Target {
  readonly id: string
  readonly bundle: Bundle
  run(...args: string[]): { status: number | null; stdout: string; stderr: string }
  status(): string
}

/** A command: the state that it begins in, its arguments, and what must be true after it. */
interface Command {
  readonly before?: 'created' | 'running' | 'paused'
  args(target: Target): string[]
  /** What is wrong although it succeeded, or failed; undefined: nothing. */
  afterSuccess(target: Target, result: Faulted): string | undefined
  afterFailure?(target: Target, result: Faulted): string | undefined
}

const statusIs =
  (...wanted: string[]) =>
  (target: Target): string | undefined => {
    const status = target.status()
    return wanted.includes(status) ? undefined : `the container is ${status}`
  }

const isGone = (target: Target): string | undefined =>
  target.status() === 'absent' ? undefined : 'the container is still there'

/** The commands that change or read one container. */
export const commands = {
  create: {
    args: ({ id, bundle }) => ['create', '--bundle', bundle.path, id],
    // When the wait for `start` itself fails, create has ended and init ends after it.
    afterSuccess: (target, { report }) =>
      statusIs('created', ...(report.number === accept4 ? ['stopped'] : []))(target),
    afterFailure: isGone,
  },
  'run --detach': {
    args: ({ id, bundle }) => ['run', '--detach', '--bundle', bundle.path, id],
    afterSuccess: statusIs('running'),
    afterFailure: isGone,
  },
  start: {
    before: 'created',
    args: ({ id }) => ['start', id],
    afterSuccess: statusIs('running'),
  },
  state: {
    before: 'running',
    args: ({ id }) => ['state', id],
    afterSuccess: (_, { stdout }) => (/"status": ?"running"/.test(stdout) ? undefined : `state says ${stdout}`),
    afterFailure: statusIs('running'),
  },
  list: {
    before: 'running',
    args: () => ['list'],
    // A container that cannot be looked at is named on standard error.
    afterSuccess: ({ id }, { stdout, stderr }) =>
      new RegExp(`${id} .*running`).test(stdout) || stderr.includes(id) ? undefined : `list says ${stdout}`,
    afterFailure: statusIs('running'),
  },
  exec: {
    before: 'running',
    args: ({ id }) => ['exec', id, '/bin/echo', 'done'],
    afterSuccess: (_, { stdout }) => (stdout === 'done\n' ? undefined : `exec says ${stdout}`),
    afterFailure: statusIs('running'),
  },
  kill: {
    before: 'running',
    args: ({ id }) => ['kill', id, 'KILL'],
    // The signal is sent; that the process has ended is not waited for.
    afterSuccess: (target) => {
      const { stdout } = target.run('state', target.id)
      const { pid } = JSON.parse(stdout) as { pid: number }
      if (pid !== 0) awaitProcess(pid)
      return statusIs('stopped')(target)
    },
  },
  pause: {
    before: 'running',
    args: ({ id }) => ['pause', id],
    afterSuccess: statusIs('paused'),
    afterFailure: statusIs('running'),
  },
  resume: {
    before: 'paused',
    args: ({ id }) => ['resume', id],
    afterSuccess: statusIs('running'),
  },
  'delete --force': {
    before: 'running',
    args: ({ id }) => ['delete', '--force', id],
    afterSuccess: isGone,
  },
} as const satisfies Record<string, Command>

const program: Change = (config) => {
  config.process.args = ['/bin/sleep', '1000']
}

/** What a container may need of the runtime. */
export const configurations: Record<string, Change> = {
  plain: program,
  rich: (config) => {
    program(config)
    config.linux.resources = { pids: { limit: 100 } }
    config.linux.maskedPaths = ['/proc/kcore']
    config.linux.readonlyPaths = ['/proc/sys']
    config.linux.seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['swapon'], action: 'SCMP_ACT_ERRNO' }],
    }
    const hook = { path: '/bin/true' }
    config.hooks = { createRuntime: [hook], poststart: [hook], poststop: [hook] }
  },
  'user namespace': (config) => {
    program(config)
    config.linux.namespaces.push({ type: 'user' }, { type: 'network' })
    Object.assign(config.linux, both([0, 100_000, 65_536]))
  },
}

/** Where faults are. */
export interface Sweep {
  readonly command: keyof typeof commands
  readonly configuration: string
  /** Only each so-manieth place, beginning with this one. */
  readonly step: number
  readonly first: number
}

function targetOf(scope: Scope, bundle: Bundle): Target {
  const id = scope.newId()
  return {
    id,
    bundle,
    run: (...args) => scope.runtime(args),
    status: () => {
      if (!readdirSync(scope.root).includes(id)) return 'absent'
      const { status, stdout, stderr } = scope.runtime(['state', id])
      return status === 0 ? (JSON.parse(stdout) as { status: string }).status : stderr
    },
  }
}

function prepare(target: Target, before: Command['before']): void {
  if (before === undefined) return
  const command = before === 'created' ? ['create'] : ['run', '--detach']
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
function tryFault(scope: Scope, bundle: Bundle, command: Command, fault: Fault): string[] {
  const target = targetOf(scope, bundle)
  prepare(target, command.before)
  const result = withFault(scope, command.args(target), fault)
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
function faultsOf(scope: Scope, bundle: Bundle, command: Command, { step, first }: Sweep): Fault[] {
  const target = targetOf(scope, bundle)
  prepare(target, command.before)
  const { status, stderr, report } = withFault(scope, command.args(target), { mode: 'count' })
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
export function sweep(scope: Scope, which: Sweep): Swept {
  const bundle = scope.bundle(configurations[which.configuration])
  const command: Command = commands[which.command]
  const faults = faultsOf(scope, bundle, command, which)
  return { faults: faults.length, wrong: faults.flatMap((fault) => tryFault(scope, bundle, command, fault)) }
}

/** Removes what a sweep has left where it failed. */
export function cleanAfter(scope: Scope): void {
  for (const id of readdirSync(scope.root)) if (!id.startsWith('.')) scope.runtime(['delete', '--force', id])
  scope.runner.runProgram('rm', ['-f', join(scope.folder, 'fault-report')])
}

/** Native: notes every call of the addon and every step of init with its time, where somebody wants to see them. */
import { stepTable, type Step } from '../plan/steps.js'
import { replaceAddon } from './addon.js'
import { traceSteps } from './start-init.js'
import type { Addon } from './addon-types.js'

/** An event in the format of Chrome's tracing (`X`: complete; times in microseconds since 1970). */
export interface TraceEvent {
  readonly name: string
  readonly cat: string
  readonly ph: 'X'
  readonly ts: number
  readonly dur: number
  readonly pid: number
  /** 1: tsrun itself, 2: tsrun-init. */
  readonly tid: 1 | 2
  /** `what`: the first argument of a call; `error`: what it has failed with; `status`: of the command. */
  readonly args: { readonly what?: string | number; readonly error?: string; readonly status?: number | undefined }
}

type AnyFunction = (...args: readonly unknown[]) => unknown

/** Gaps between calls that are worth a bar, in microseconds. */
const shownGap = 50

const opNames = Object.keys(stepTable)

/** The steps with a stamp in front of each that init may still tell of: after its filter it may not. */
export function withStamps(steps: readonly Step[]): Step[] {
  const filtered = steps.findIndex((step) => step.op === 'seccomp' && !step.late)
  return steps.flatMap((step, at): Step[] =>
    filtered >= 0 && at > filtered ? [step] : [{ op: 'stamp', number: opNames.indexOf(step.op) }, step],
  )
}

/** A trace in progress. */
export class Tracer {
  readonly events: TraceEvent[] = []
  /** Microseconds since 1970. */
  readonly began: number
  readonly command: string
  readonly #pid: number
  readonly #now: () => number
  /** Where the last call has ended. */
  #last: number
  /** The step of init that has begun. */
  #step: { readonly name: string; readonly ts: number } | undefined

  /** From now on calls of the addon go through this. */
  constructor(command: string) {
    let pid = 0
    let now = (): number => 0
    replaceAddon((addon) => {
      pid = addon.processIds().pid
      now = () => addon.microseconds()
      return this.#watched(addon)
    })
    this.#pid = pid
    this.#now = now
    this.#last = now()
    this.began = this.#last
    this.command = command
  }

  /** All events, the whole command in front. */
  finish(status: number | undefined): TraceEvent[] {
    this.#endStep()
    const end = this.#now()
    const whole = this.#event(`tsrun ${this.command}`, 'command', this.began, end - this.began, 1, { status })
    return [whole, ...this.events]
  }

  #event(name: string, cat: string, ts: number, dur: number, tid: 1 | 2, args: TraceEvent['args']): TraceEvent {
    return { name, cat, ph: 'X', ts, dur, pid: this.#pid, tid, args }
  }

  #watched(addon: Addon): Addon {
    const functions = Object.entries(addon as unknown as Record<string, AnyFunction>)
    const watched = functions.map(([name, call]) => [
      name,
      this.#call(name, name === 'receive' ? this.#receive(call) : call),
    ])
    const all: unknown = Object.fromEntries(watched)
    return all as Addon
  }

  #call(name: string, call: AnyFunction): AnyFunction {
    return (...args) => {
      const ts = this.#now()
      if (ts - this.#last > shownGap)
        this.events.push(this.#event('JavaScript', 'javascript', this.#last, ts - this.#last, 1, {}))
      let failed: unknown
      try {
        return call(...args)
      } catch (error) {
        failed = error
        throw error
      } finally {
        this.#last = this.#now()
        const error = failed instanceof Error ? { error: failed.message } : {}
        this.events.push(this.#event(name, 'native', ts, this.#last - ts, 1, { ...describe(args), ...error }))
      }
    }
  }

  /** Keeps stamps for itself: nobody else knows of them. */
  #receive(call: AnyFunction): AnyFunction {
    return (...args) => {
      for (;;) {
        const frame = call(...args) as ReturnType<Addon['receive']>
        if (frame?.type !== 'stamp') {
          if (frame?.type === 'end' || frame?.type === 'failure') this.#endStep()
          return frame
        }
        const ts = nearTo(frame.value, this.#now())
        this.#endStep(ts)
        this.#step = { name: opNames[frame.errno] ?? 'step', ts }
      }
    }
  }

  #endStep(ts = this.#now()): void {
    const step = this.#step
    this.#step = undefined
    if (step === undefined) return
    this.events.push(this.#event(step.name, 'init', step.ts, Math.max(0, ts - step.ts), 2, {}))
  }
}

/** The time whose lower 32 bits are these, next to now. */
function nearTo(low: number, now: number): number {
  const range = 2 ** 32
  const base = Math.floor(now / range) * range + low
  return base - now > range / 2 ? base - range : now - base > range / 2 ? base + range : base
}

/** Paths and numbers of a call; contents are nobody's business. */
function describe(args: readonly unknown[]): TraceEvent['args'] {
  const [first] = args
  if (typeof first === 'string') return { what: first.slice(0, 200) }
  if (typeof first === 'number') return { what: first }
  if (typeof first === 'object' && first !== null && 'path' in first) return { what: String(first.path) }
  return {}
}

/** Begins a trace of this process: from here on plans have stamps. */
export function startTrace(command: string): Tracer {
  traceSteps(withStamps)
  return new Tracer(command)
}

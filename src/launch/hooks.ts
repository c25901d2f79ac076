/** Stage 4, launch: runs the hooks whose namespace is the runtime's: prestart, createRuntime, poststart, poststop. */
import { readAnnotations, type HookOutput } from '../config/annotations.js'
import type { Hook } from '../config/types.js'
import { HookError } from '../errors.js'
import { closeFile, openFile, openFlag, writeFile } from '../native/binding.js'
import { environment } from '../native/environment.js'
import { describeEnd, runHelper, type HelperEnd } from '../native/helper-process.js'
import type { Waiter } from '../native/wait.js'
import type { OciState } from '../plan/oci-state.js'

/** Hooks that the parent runs; init runs the other two kinds. */
export type ParentHook = 'prestart' | 'createRuntime' | 'poststart' | 'poststop'

const appending = openFlag.write | openFlag.create | openFlag.append

/** What all hooks of a container have in common. */
interface HookPlace {
  readonly cwd: string
  readonly output: HookOutput
}

/** Runs one hook with exactly the environment it asks for. Output that annotations send to files is not kept. */
async function runHook(hook: Hook, state: string, place: HookPlace, waiter: Waiter): Promise<HelperEnd> {
  const args = hook.args !== undefined && hook.args.length > 0 ? hook.args : [hook.path]
  const files: number[] = []
  const streamTo = (path: string | undefined): number | undefined => {
    if (path === undefined) return undefined
    writeFile(path, '', appending, 0o644)
    const fd = openFile(path, openFlag.write | openFlag.append)
    files.push(fd)
    return fd
  }
  try {
    // Without one of its own, as with runc and crun: that of the caller.
    const { path, env = environment(), timeout = 0 } = hook
    const streams = { stdout: streamTo(place.output.stdout), stderr: streamTo(place.output.stderr) }
    const program = { path, args, env, cwd: place.cwd, input: state, timeout: timeout * 1000, ...streams }
    return await runHelper(program, waiter)
  } finally {
    for (const fd of files) closeFile(fd)
  }
}

function reason(hook: Hook, ended: HelperEnd): string {
  const output = ended.output.trim() === '' ? '' : `: ${ended.output.trim()}`
  if (ended.timedOut) return `ran past its time limit of ${hook.timeout} s and was killed${output}`
  return `${describeEnd(ended.status) || 'its exit status is unknown: SIGCHLD is ignored'}${output}`
}

/**
 * Runs hooks in the bundle's directory, one after the other, each with the state document on its standard input. With `onFailure`
 * a failure is told there and the next hook runs.
 * @throws HookError at the first that fails, is killed, cannot be started or runs out of time
 */
export async function runHooks(
  kind: ParentHook,
  hooks: readonly Hook[],
  state: OciState,
  waiter: Waiter,
  onFailure?: (error: HookError) => void,
): Promise<void> {
  const text = JSON.stringify(state)
  const place = { cwd: state.bundle, output: readAnnotations(state.annotations).hookOutput }
  for (const [index, hook] of hooks.entries()) {
    const fields = { hook: kind, index, path: hook.path }
    const failure = await failureOf(hook, text, place, waiter)
    if (failure === undefined) continue
    const error = new HookError(`error running ${kind} hook #${index} ("${hook.path}"): ${failure}`, fields)
    if (onFailure === undefined) throw error
    onFailure(error)
  }
}

/** What is wrong with how a hook went, if anything. */
async function failureOf(hook: Hook, state: string, place: HookPlace, waiter: Waiter): Promise<string | undefined> {
  try {
    const ended = await runHook(hook, state, place, waiter)
    const isFine = !ended.timedOut && ended.status !== null && 'code' in ended.status && ended.status.code === 0
    return isFine ? undefined : reason(hook, ended)
  } catch (cause) {
    return (cause as Error).message
  }
}

/** Stage 4, launch: runs the hooks whose namespace is the runtime's: prestart, createRuntime, poststart, poststop. */
import { readAnnotations, type HookOutput } from '../config/annotations.js'
import type { Hook } from '../config/types.js'
import { HookError } from '../errors.js'
import { closeFile, memoryFile, openFile, openFlag, readTail, writeFile } from '../native/binding.js'
import type { OciState } from '../plan/oci-state.js'

/** Hooks that the parent runs; init runs the other two kinds. */
export type ParentHook = 'prestart' | 'createRuntime' | 'poststart' | 'poststop'

const keptOutput = 4096
const appending = openFlag.write | openFlag.create | openFlag.append

/** What all hooks of a container have in common. */
interface HookPlace {
  readonly cwd: string
  readonly output: HookOutput
}

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly output: string
  readonly timedOut: boolean
}

/**
 * Runs one hook with exactly the environment it asks for. State and output are files in memory, not
 * pipes: a hook that doesn't read, writes much, or leaves a daemon with its output open, blocks nobody.
 * Output that annotations send to files is not kept.
 */
async function runHook(hook: Hook, state: string, place: HookPlace): Promise<Ended> {
  const { spawn } = await import('node:child_process') // only containers with hooks pay for it
  const [argv0, ...args] = hook.args !== undefined && hook.args.length > 0 ? hook.args : [hook.path]
  const env = Object.fromEntries((hook.env ?? []).map((entry) => splitOnce(entry, '=')))
  const input = memoryFile('state', state)
  const output = memoryFile('output', '')
  const files: number[] = []
  const streamTo = (path: string | undefined): number => {
    if (path === undefined) return output
    writeFile(path, '', appending, 0o644)
    const fd = openFile(path, openFlag.write | openFlag.append)
    files.push(fd)
    return fd
  }
  try {
    const stdio = [input, streamTo(place.output.stdout), streamTo(place.output.stderr)]
    const ended = await new Promise<Omit<Ended, 'output'>>((resolve, reject) => {
      const child = spawn(hook.path, args, { argv0: argv0 ?? hook.path, env, cwd: place.cwd, stdio })
      let timedOut = false
      const limit = (hook.timeout ?? 0) * 1000
      const timer = limit > 0 ? setTimeout(() => (timedOut = child.kill('SIGKILL')), limit) : undefined
      child.on('error', (error) => {
        clearTimeout(timer)
        reject(error)
      })
      child.on('exit', (code, signal) => {
        clearTimeout(timer)
        resolve({ code, signal, timedOut })
      })
    })
    return { ...ended, output: readTail(output, keptOutput) }
  } finally {
    for (const fd of [input, output, ...files]) closeFile(fd)
  }
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

function reason(hook: Hook, ended: Ended): string {
  const output = ended.output.trim() === '' ? '' : `: ${ended.output.trim()}`
  if (ended.timedOut) return `ran past its time limit of ${hook.timeout} s and was killed${output}`
  if (ended.signal !== null) return `killed by signal ${ended.signal}${output}`
  return `exit status ${ended.code}${output}`
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
  onFailure?: (error: HookError) => void,
): Promise<void> {
  const text = JSON.stringify(state)
  const place = { cwd: state.bundle, output: readAnnotations(state.annotations).hookOutput }
  for (const [index, hook] of hooks.entries()) {
    const fields = { hook: kind, index, path: hook.path }
    const failure = await failureOf(hook, text, place)
    if (failure === undefined) continue
    const error = new HookError(`error running ${kind} hook #${index} ("${hook.path}"): ${failure}`, fields)
    if (onFailure === undefined) throw error
    onFailure(error)
  }
}

/** What is wrong with how a hook went, if anything. */
async function failureOf(hook: Hook, state: string, place: HookPlace): Promise<string | undefined> {
  try {
    const ended = await runHook(hook, state, place)
    return ended.code === 0 ? undefined : reason(hook, ended)
  } catch (cause) {
    return (cause as Error).message
  }
}

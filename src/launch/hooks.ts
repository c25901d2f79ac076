/** Stage 4, launch: runs the hooks whose namespace is the runtime's: prestart, createRuntime, poststart, poststop. */
import type { Hook } from '../config/types.js'
import { HookError } from '../errors.js'
import { closeFile, memoryFile, readTail } from '../native/binding.js'

/** Hooks that the parent runs; init runs the other two kinds. */
export type ParentHook = 'prestart' | 'createRuntime' | 'poststart' | 'poststop'

const keptOutput = 4096

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly output: string
  readonly timedOut: boolean
}

/**
 * Runs one hook with exactly the environment it asks for. State and output are files in memory, not
 * pipes: a hook that doesn't read, writes much, or leaves a daemon with its output open, blocks nobody.
 */
async function runHook(hook: Hook, state: string, cwd: string): Promise<Ended> {
  const { spawn } = await import('node:child_process') // only containers with hooks pay for it
  const [argv0, ...args] = hook.args !== undefined && hook.args.length > 0 ? hook.args : [hook.path]
  const env = Object.fromEntries((hook.env ?? []).map((entry) => splitOnce(entry, '=')))
  const input = memoryFile('state', state)
  const output = memoryFile('output', '')
  try {
    const ended = await new Promise<Omit<Ended, 'output'>>((resolve, reject) => {
      const child = spawn(hook.path, args, { argv0: argv0 ?? hook.path, env, cwd, stdio: [input, output, output] })
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
    closeFile(input)
    closeFile(output)
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
 * Runs hooks one after the other, each with the state document on its standard input. With `onFailure`
 * a failure is told there and the next hook runs.
 * @throws HookError at the first that fails, is killed, cannot be started or runs out of time
 */
export async function runHooks(
  kind: ParentHook,
  hooks: readonly Hook[],
  state: object,
  cwd: string,
  onFailure?: (error: HookError) => void,
): Promise<void> {
  const text = JSON.stringify(state)
  for (const [index, hook] of hooks.entries()) {
    const fields = { hook: kind, index, path: hook.path }
    const failure = await failureOf(hook, text, cwd)
    if (failure === undefined) continue
    const error = new HookError(`error running ${kind} hook #${index} ("${hook.path}"): ${failure}`, fields)
    if (onFailure === undefined) throw error
    onFailure(error)
  }
}

/** What is wrong with how a hook went, if anything. */
async function failureOf(hook: Hook, state: string, cwd: string): Promise<string | undefined> {
  try {
    const ended = await runHook(hook, state, cwd)
    return ended.code === 0 ? undefined : reason(hook, ended)
  } catch (cause) {
    return (cause as Error).message
  }
}

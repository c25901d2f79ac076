/** Library: runs one program in a container of its own, to its end. */
import { lazily, object } from '../config/schema/shape.js'
import { flag, text } from '../config/schema/values.js'
import { sigkill } from '../config/vocabulary/signals.js'
import type { ContainerExit } from './container-options.js'
import {
  defaultConfig,
  durationOf,
  limitMembers,
  sandboxMembers,
  sandboxRequired,
  size,
  sizeOf,
  type SandboxConfig,
  type SandboxLimits,
  type Size,
} from './default-config.js'
import {
  abortSignal,
  callable,
  checkOptions,
  present,
  signal as anySignal,
  stdio as anyStdio,
  syscallHandlers,
  value,
  type Signal,
} from './options.js'
import { collect } from './output.js'
import { Runtime } from './runtime.js'
import { entriesOf, type Stdio, type StdioEntry } from './stdio.js'
import type { SyscallHandlers } from './supervisor.js'

/** What a program may use of everything. */
export interface RunLimits extends SandboxLimits {
  /** Milliseconds, or a text such as `5s`, after which it is killed; default: none. */
  readonly time?: number | string
  /** Bytes of each output that are kept; default 1M. What comes beyond is dropped, and the program goes on. */
  readonly output?: Size
}

/** What `run` takes. */
export interface SandboxOptions extends Omit<SandboxConfig, 'limits' | 'terminal'> {
  readonly limits?: RunLimits
  /** Default: nothing to read, and pipes for what it writes. The result has the output of pipes. */
  readonly stdio?: Stdio
  /** What the program reads, in the place of the first of `stdio`: a text, bytes, or what that takes. */
  readonly input?: string | Uint8Array | Exclude<StdioEntry, string>
  /** Called with what is kept of the output, as it comes. */
  readonly onOutput?: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void
  /** Decides these system calls of the program, by their names; see SyscallHandler for what is not safe. */
  readonly onSyscall?: SyscallHandlers
  /** Ends the program; the call is rejected with the signal's reason then. */
  readonly signal?: AbortSignal
  /** What ends it when its time is over; default SIGKILL. */
  readonly killSignal?: Signal
  /** Kills the program when this thread or this program ends, however that comes; else it goes on without them. */
  readonly killOnExit?: boolean
  /** Where its container is made; default: a new Runtime. */
  readonly runtime?: Runtime
  /** Of the container; default: one that nobody has. */
  readonly id?: string
}

/** What `run` takes for a program of an image of the store; for root. */
export interface ImageSandboxOptions extends Omit<SandboxOptions, 'rootfs'> {
  /** Name or digest; its variables are those of the program, under `env`. */
  readonly image: string
  /** Directory of the images; default /var/lib/tsrun/images. */
  readonly imageRoot?: string
}

/** How a program of `run` ended. */
export interface RunExit extends ContainerExit {
  /** Milliseconds from its start to its end. */
  readonly duration: number
}

/** What a program of `run` has done. */
export interface RunResult {
  /** As UTF-8; what is none becomes U+FFFD. */
  readonly stdout: string
  readonly stderr: string
  /** True when there was more than the limit. */
  readonly cut: { readonly stdout: boolean; readonly stderr: boolean }
  readonly exit: RunExit
}

const shape = lazily(() =>
  object(
    sandboxRequired(),
    {
      ...sandboxMembers(),
      ...{ onOutput: callable, onSyscall: syscallHandlers, signal: abortSignal, killSignal: anySignal, id: text },
      ...{ stdio: anyStdio, killOnExit: flag },
      input: value(
        (given) => typeof given === 'string' || given instanceof Uint8Array || isStream(given),
        'a text, bytes or a stream',
      ),
      runtime: value((given) => given instanceof Runtime, 'a Runtime'),
      limits: object({}, { ...limitMembers, time: duration, output: size }, { strict: true }),
    },
    { strict: true },
  ),
)
const duration = value<number | string>(
  (given) => typeof given === 'string' || (typeof given === 'number' && given > 0),
  'milliseconds, or a text such as "5s"',
)
const isStream = (given: unknown): boolean => anyStdio.kind === 'value' && anyStdio.test(given)

/**
 * Runs a program in a container that `defaultConfig` describes, and removes the container.
 * @throws UsageError, UnsupportedError, what `create` and `start` throw, and the reason of `signal`; nothing is left then
 */
export async function run(options: SandboxOptions | ImageSandboxOptions): Promise<RunResult> {
  const given: unknown = options
  // What is no object at all is refused there.
  const isObject = typeof given === 'object' && given !== null
  if (!isObject || !('image' in options)) return runInRootfs(options as SandboxOptions)
  const { image, imageRoot, ...rest } = options
  const { withImage } = await import('./images.js')
  return withImage(image, imageRoot, (rootfs, env) => runInRootfs({ ...rest, rootfs, env: { ...env, ...rest.env } }))
}

async function runInRootfs(options: SandboxOptions): Promise<RunResult> {
  const given = await checkOptions('run', shape(), options)
  const {
    limits = {},
    input,
    stdio = ['ignore', 'pipe', 'pipe'],
    onOutput,
    runtime = new Runtime(),
    id,
    ...more
  } = given
  const { onSyscall, signal, killSignal = sigkill, killOnExit, ...rest } = more
  const { time, output, ...counted } = limits
  const config = defaultConfig({ root: runtime.root, ...rest, limits: counted })
  const inputs = typeof input === 'string' || input instanceof Uint8Array
  const [stdin, ...outputs] = entriesOf(stdio)
  await using container = await runtime.create(id ?? `run-${crypto.randomUUID()}`, {
    ...{ bundle: config.root.path, config, killSignal },
    stdio: [inputs ? 'pipe' : (input ?? stdin), ...outputs],
    ...(time === undefined ? {} : { timeout: durationOf('limits.time', time) }),
    ...present({ signal, onSyscall, killOnExit }),
  })
  const kept = output === undefined ? {} : { maxBuffer: sizeOf('limits.output', output) }
  const begun = performance.now()
  await container.start()
  // It may end without having read everything.
  container.stdin?.on('error', () => undefined).end(input)
  const [stdout, stderr, exit] = await Promise.all([
    collect(container.stdout, kept, (chunk) => onOutput?.('stdout', chunk)),
    collect(container.stderr, kept, (chunk) => onOutput?.('stderr', chunk)),
    container.wait().then((ended) => ({ ...ended, duration: performance.now() - begun })),
  ])
  signal?.throwIfAborted()
  const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
  return {
    stdout: decode(stdout.bytes),
    stderr: decode(stderr.bytes),
    cut: { stdout: stdout.cut, stderr: stderr.cut },
    exit,
  }
}

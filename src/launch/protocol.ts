/**
 * Stage 4, launch: the parent's half of the sync protocol with `tsrun-init`.
 *
 *   parent (tsrun)                                        init (tsrun-init)
 *   ------------------------------------------------------------------------------------------------
 *   state.json without pid, cgroups, start socket
 *   clone3 into the cgroup, execveat(sealed memfd) ───►   maps the plan, closes foreign descriptors
 *   state.json with pid                                   joins cgroups v1 and namespaces
 *                                                   ◄───  child PID + pidfd       (only with `fork`)
 *   writes uid_map, gid_map                         ◄───  event namespaces        (new user namespace,
 *   moves network devices                                                           or netDevices)
 *                                               go  ───►  mounts, devices
 *   gets it from the helper (sources.ts)            ◄───  source NUMBER [mount]   (id-mapped, or not in reach)
 *                                       go [mount]  ───►
 *   prestart, createRuntime hooks                   ◄───  event mounts            (only with hooks)
 *                                               go  ───►  createContainer hooks, pivot_root
 *   keeps it for console socket or foreground       ◄───  console + ptmx          (only with terminal)
 *                                                         masks, limits, user, finds the program
 *   takes the listener, hands it on                 ◄───  listener FD             (only with notify)
 *                                               go  ───►
 *   pid file, console socket                        ◄───  event created
 *   `create` ends, the sync socket closes                 waits on the start socket (or, with `run`,
 *   ------------------------------------------------      on the sync socket)
 *   start: connects to the start socket         go  ───►  startContainer hooks, execve
 *   end of the socket: it runs                      ◄───  (close-on-exec)
 *
 *   At any step: `failure` {step, syscall, errno, path, detail} or `hook` {kind, index, errno, path, detail},
 *   then the end. An end without a frame is a ProtocolError with the wait status.
 */
import { HookError, ProtocolError, SyscallError, type TsrunError } from '../errors.js'
import { closeFile, describeFailure, errnoName, reapProcess, sendGo, type Frame } from '../native/binding.js'
import { describeEnd } from '../native/helper-process.js'
import { planEvent, stepTable, type PlanEvent } from '../plan/steps.js'
import type { Waiter } from '../native/wait.js'

/** What the parent does when init reports something; a missing member means there is nothing to do. */
export interface Handlers {
  /** Init is a grandchild now: its pid, and a pidfd that the handler owns. */
  child?(pid: number, pidfd: number): Promise<void>
  /** The container's terminal: a ptmx that the handler owns. */
  console?(ptmx: number): void
  /** A seccomp listener: its number in init. */
  listener?(fd: number): void
  /** An entry of the plan's `sources`, and the mount that init has made for it or -1, which the handler owns. */
  source?(number: number, mount: number): Promise<void>
  /** A barrier at which init waits; it goes on when this has resolved. */
  event?(event: PlanEvent): Promise<void>
}

const stepNames = Object.keys(stepTable)
const eventNames = Object.keys(planEvent) as PlanEvent[]

/** The error in a `failure` or `hook` frame; `what` has failed. */
export function frameError(frame: Frame, what = 'error during container init'): TsrunError {
  if (frame.type === 'hook') {
    const fields = { hook: frame.syscall, index: frame.value, path: frame.path }
    const end = describeFailure(frame.detail, frame.errno, undefined)
    return new HookError(`error running ${frame.syscall} hook #${frame.value} ("${frame.path}"): ${end}`, fields)
  }
  const step = stepNames[frame.step] ?? `step ${frame.step}`
  const { syscall, errno, path, detail } = frame
  const call = describeFailure(syscall, errno, path)
  // The search for the program says all there is to say, in the words that engines look for.
  const message =
    step === 'program' && detail !== '' ? detail : `${step}: ${call}${detail === '' ? '' : ` (${detail})`}`
  return new SyscallError(`${what}: ${message}`, {
    side: 'init',
    step,
    syscall,
    errno,
    errnoName: errnoName(errno),
    ...(path === '' ? {} : { path }),
    ...(detail === '' ? {} : { detail }),
  })
}

/**
 * The error for an end of the socket before init was done. `oom` tells whether the OOM killer struck,
 * `before` what did not happen any more.
 */
export function unexpectedEnd(pidfd: number, { before, oom }: { before: string; oom: boolean }): ProtocolError {
  const end = describeEnd(reapProcess(pidfd))
  const hint = oom ? ': the OOM killer struck, the memory limit is too low to start the container' : ''
  return new ProtocolError(`the init process ended before ${before}${end && ` (${end})`}${hint}`)
}

/**
 * Serves init until it has reported `until`, or with `until` undefined until the end of the socket.
 * @returns true at the event, false at the end of the socket
 * @throws SyscallError or HookError that init has reported, or what a handler throws
 */
export async function serveInit(
  sync: number,
  handlers: Handlers,
  waiter: Waiter,
  until: PlanEvent | undefined,
): Promise<boolean> {
  for (;;) {
    const frame = await waiter.frame(sync)
    if (frame === null) return false
    switch (frame.type) {
      case 'failure':
      case 'hook':
        throw frameError(frame)
      case 'child':
        await handlers.child?.(frame.value, frame.fd)
        break
      case 'console':
        if (handlers.console) handlers.console(frame.fd)
        else closeFile(frame.fd)
        break
      case 'listener':
        handlers.listener?.(frame.value)
        sendGo(sync)
        break
      case 'source':
        if (handlers.source) await handlers.source(frame.value, frame.fd)
        else if (frame.fd >= 0) closeFile(frame.fd)
        break
      case 'event': {
        const event = eventNames.find((name) => planEvent[name] === frame.value)
        if (event === until) return true
        if (event === undefined) throw new ProtocolError(`init reported an unknown event ${frame.value}`)
        await handlers.event?.(event)
        sendGo(sync)
      }
    }
  }
}

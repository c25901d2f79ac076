/** Cgroup: talks with systemd over D-Bus (org.freedesktop.systemd1(5)). */
import { Message, sessionBus, Variant, type MessageBus } from '@jellybrick/dbus-next'
import { SystemdError } from '../errors.js'
import { isInUserNamespace, ownIdMap } from '../host/facts.js'
import { fileInfo } from '../native/binding.js'
import { systemdUnusable } from '../plan/systemd.js'
import type { UnitProperty } from '../plan/systemd-properties.js'

const destination = 'org.freedesktop.systemd1'
const manager = { destination, path: '/org/freedesktop/systemd1', interface: 'org.freedesktop.systemd1.Manager' }
const broker = {
  ...{ destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' },
}

/** Milliseconds; systemd itself waits no longer for a job of a scope. */
const patience = 30_000

/** Which systemd: that of the system or that of the user. */
export type SystemdKind = 'system' | 'user'

/** A connection to systemd. */
export interface Systemd {
  /** Calls a method of the manager. @throws SystemdError with the name of the D-Bus error */
  call(member: string, signature: string, body: unknown[]): Promise<unknown[]>
  /** Calls a method that makes a job and waits for its end. @throws SystemdError also when the job fails */
  job(member: string, signature: string, body: unknown[]): Promise<void>
  /** Of systemd itself, such as 252. @throws SystemdError */
  version(): Promise<number>
}

/** Properties for the signature `a(sv)`. */
export const toVariants = (properties: readonly UnitProperty[]): unknown[] =>
  properties.map(([name, signature, value]) => [
    name,
    // The library takes bytes only as a Buffer.
    new Variant(signature, value instanceof Uint8Array ? Buffer.from(value) : value),
  ])

/** @throws UnsupportedError when systemd does not run here or has no bus */
function addressOf(kind: SystemdKind): string {
  // sd_booted(3)
  if (fileInfo('/run/systemd/system') === undefined)
    throw systemdUnusable('it does not run here (no /run/systemd/system)')
  if (kind === 'system') {
    const socket = '/run/dbus/system_bus_socket'
    if (fileInfo(socket) === undefined) throw systemdUnusable(`there is no D-Bus system bus (no ${socket})`)
    return `unix:path=${socket}`
  }
  const { DBUS_SESSION_BUS_ADDRESS: given, XDG_RUNTIME_DIR: runtime } = process.env
  if (given?.startsWith('unix:path=')) return given
  if (runtime === undefined || runtime === '')
    throw systemdUnusable('XDG_RUNTIME_DIR is not set, so the user bus is not known')
  if (fileInfo(`${runtime}/bus`) === undefined) throw systemdUnusable(`there is no D-Bus user bus (no ${runtime}/bus)`)
  return `unix:path=${runtime}/bus`
}

/**
 * Puts processes into a new transient scope and waits until they are there.
 * @param pids - 0 is the caller
 * @throws SystemdError
 */
export function startScope(
  systemd: Systemd,
  unit: string,
  pids: readonly number[],
  more: readonly UnitProperty[],
): Promise<void> {
  const properties = new Map<string, UnitProperty>()
  for (const property of [
    ['PIDs', 'au', pids],
    ['CollectMode', 's', 'inactive-or-failed'],
    ...more,
  ] as UnitProperty[]) {
    properties.set(property[0], property)
  }
  const body = [unit, 'fail', toVariants([...properties.values()]), []]
  return systemd.job('StartTransientUnit', 'ssa(sv)a(sa(sv))', body)
}

/**
 * Who connects says its uid, which must be the one that the bus sees (D-Bus specification, "EXTERNAL"). The library
 * asks process.getuid for it, and in a user namespace that is another one: so until the connection is there,
 * process.getuid says the uid outside.
 */
function sayOuterUid(bus: MessageBus): () => void {
  const { getuid } = process
  const own = process.getuid?.() ?? 0
  const map = ownIdMap('uid').find(({ containerID, size }) => own >= containerID && own < containerID + size)
  const outer = map === undefined ? own : map.hostID + own - map.containerID
  process.getuid = () => outer
  const restore = (): void => void Object.assign(process, { getuid })
  bus.once('connect', restore)
  return restore
}

/** Connects, does the work and disconnects. @throws UnsupportedError, SystemdError, and what the work throws */
export async function withSystemd<T>(kind: SystemdKind, work: (systemd: Systemd) => Promise<T>): Promise<T> {
  const bus = sessionBus({ busAddress: addressOf(kind) })
  const restoreUid = isInUserNamespace() ? sayOuterUid(bus) : undefined
  const broken = new Promise<never>((_, reject) => {
    // The type of the library's bus lacks its errors.
    const events = bus as unknown as { on(name: 'error', listener: (error: Error) => void): void }
    const failed = 'the D-Bus connection to systemd failed'
    events.on('error', (error) => reject(new SystemdError(`${failed}: ${error.message}`)))
  })
  try {
    return await Promise.race([work(connection(bus)), broken])
  } finally {
    restoreUid?.()
    bus.disconnect()
  }
}

function connection(bus: MessageBus): Systemd {
  const call = async (
    target: typeof manager,
    member: string,
    signature: string,
    body: unknown[],
  ): Promise<unknown[]> => {
    try {
      const reply = await within(bus.call(new Message({ ...target, member, signature, body })), member)
      return reply?.body ?? []
    } catch (error) {
      if (error instanceof SystemdError) throw error
      const { type, text, message } = error as { type?: string; text?: string; message: string }
      throw new SystemdError(`systemd ${member}: ${text ?? message}`, type)
    }
  }
  let jobs: Jobs | undefined
  return {
    call: (member, signature, body) => call(manager, member, signature, body),
    async version() {
      const target = { ...manager, interface: 'org.freedesktop.DBus.Properties' }
      const [version] = await call(target, 'Get', 'ss', [manager.interface, 'Version'])
      return Number.parseInt(String((version as Variant).value).replace(/^v/, ''), 10)
    },
    async job(member, signature, body) {
      if (jobs === undefined) {
        jobs = new Jobs(bus)
        await call(broker, 'AddMatch', 's', [jobRemoved])
        await call(manager, 'Subscribe', '', [])
      }
      const [path] = await call(manager, member, signature, body)
      const result = await within(jobs.ended(String(path)), `the job of ${member}`)
      if (result !== 'done') {
        throw new SystemdError(`systemd ${member}: the job for ${String(body[0])} ended as "${result}"`)
      }
    },
  }
}

const jobRemoved = `type='signal',sender='${destination}',interface='${manager.interface}',member='JobRemoved'`

/** Results of jobs, by the path of their object; one may be there before its path is known. */
class Jobs {
  readonly #results = new Map<string, string>()
  #wake = (): void => undefined

  constructor(bus: MessageBus) {
    bus.on('message', (message: Message) => {
      if (message.interface !== manager.interface || message.member !== 'JobRemoved') return
      const [, path, , result] = message.body
      this.#results.set(String(path), String(result))
      this.#wake()
    })
  }

  /** Resolves with `done`, `failed`, `timeout` … */
  async ended(path: string): Promise<string> {
    for (;;) {
      const result = this.#results.get(path)
      if (result !== undefined) return result
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

/** A bus or a systemd that hangs must not hang the runtime for ever. */
async function within<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    const message = `systemd: ${what} has not ended in ${patience / 1000} seconds`
    timer = setTimeout(() => reject(new SystemdError(message)), patience)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

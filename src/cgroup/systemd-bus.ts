/** Cgroup: talks with systemd over D-Bus (org.freedesktop.systemd1(5)). */
import { Connection, type Target } from '../dbus/connection.js'
import type { Message } from '../dbus/message.js'
import type { Variant } from '../dbus/signature.js'
import { SyscallError, SystemdError } from '../errors.js'
import { fileInfo } from '../native/binding.js'
import type { Waiter } from '../native/wait.js'
import { systemdUnusable } from '../plan/systemd.js'
import type { UnitProperty } from '../plan/resources/types.js'

const manager: Target = {
  destination: 'org.freedesktop.systemd1',
  path: '/org/freedesktop/systemd1',
  interface: 'org.freedesktop.systemd1.Manager',
}

/** Milliseconds; systemd itself waits no longer for a job of a scope. */
const patience = 30_000

/** Which systemd: that of the system or that of the user. */
export type SystemdKind = 'system' | 'user'

/** A connection to systemd. */
export interface Systemd {
  /** Calls a method of the manager. @throws SystemdError with the name of the D-Bus error */
  call(member: string, signature: string, body: readonly unknown[]): Promise<readonly unknown[]>
  /** Calls a method that makes a job and waits for its end. @throws SystemdError also when the job fails */
  job(member: string, signature: string, body: readonly unknown[]): Promise<void>
  /** Waits for the end of the job that a unit has, if it has one. @throws SystemdError also when there is no such unit */
  settled(unit: string): Promise<void>
  /** Of systemd itself, such as 252. @throws SystemdError */
  version(): Promise<number>
}

/** Properties for the signature `a(sv)`. */
export const toVariants = (properties: readonly UnitProperty[]): [name: string, value: Variant][] =>
  properties.map(([name, signature, value]) => [name, { signature, value }])

/** The socket of the bus. @throws UnsupportedError when systemd does not run here or has no bus */
function socketOf(kind: SystemdKind): string {
  // sd_booted(3)
  if (fileInfo('/run/systemd/system') === undefined)
    throw systemdUnusable('it does not run here (no /run/systemd/system)')
  if (kind === 'system') {
    const socket = '/run/dbus/system_bus_socket'
    if (fileInfo(socket) === undefined) throw systemdUnusable(`there is no D-Bus system bus (no ${socket})`)
    return socket
  }
  const { DBUS_SESSION_BUS_ADDRESS: given, XDG_RUNTIME_DIR: runtime } = process.env
  if (given?.startsWith('unix:path=')) return unescapeAddress(given.slice('unix:path='.length))
  if (runtime === undefined || runtime === '')
    throw systemdUnusable('XDG_RUNTIME_DIR is not set, so the user bus is not known')
  if (fileInfo(`${runtime}/bus`) === undefined) throw systemdUnusable(`there is no D-Bus user bus (no ${runtime}/bus)`)
  return `${runtime}/bus`
}

/** The path in an address `unix:path=PATH,guid=…;…` (D-Bus specification, "Server Addresses"). */
const unescapeAddress = (address: string): string =>
  (address.split(/[,;]/)[0] ?? '').replace(/%([\da-fA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )

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

/** Connects, does the work and disconnects. @throws UnsupportedError, SystemdError, and what the work throws */
export async function withSystemd<T>(
  kind: SystemdKind,
  waiter: Waiter,
  work: (systemd: Systemd) => Promise<T>,
): Promise<T> {
  const connection = await connect(socketOf(kind), waiter)
  try {
    return await work(systemdOver(connection))
  } finally {
    connection.close()
  }
}

async function connect(socket: string, waiter: Waiter): Promise<Connection> {
  try {
    return await Connection.open(socket, (fd) => waiter.readable(fd), patience)
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
    throw new SystemdError(`the D-Bus connection to systemd failed: ${error.message}`)
  }
}

function systemdOver(connection: Connection): Systemd {
  let isSubscribed = false
  const call: Systemd['call'] = (member, signature, body) => connection.call(manager, member, signature, body)
  const subscribe = async (): Promise<void> => {
    if (isSubscribed) return
    await connection.subscribe(jobRemoved)
    await call('Subscribe', '', [])
    isSubscribed = true
  }
  const property = async (target: Target, name: string): Promise<unknown> => {
    const properties = { ...target, interface: 'org.freedesktop.DBus.Properties' }
    const [value] = await connection.call(properties, 'Get', 'ss', [target.interface, name])
    return (value as Variant).value
  }
  const ended = (what: string, job: unknown): Promise<Message> =>
    connection.signal(`the end of the job of ${what}`, ({ member, body }) => member === 'JobRemoved' && body[1] === job)
  return {
    call,
    version: async () => Number.parseInt(String(await property(manager, 'Version')).replace(/^v/, ''), 10),
    async job(member, signature, body) {
      await subscribe()
      const [job] = await call(member, signature, body)
      const result = (await ended(member, job)).body[3]
      if (result !== 'done') {
        throw new SystemdError(`systemd ${member}: the job for ${String(body[0])} ended as "${String(result)}"`)
      }
    },
    async settled(unit) {
      await subscribe()
      const [path] = await call('GetUnit', 's', [unit])
      const target = { ...manager, path: String(path), interface: 'org.freedesktop.systemd1.Unit' }
      const [number, job] = (await property(target, 'Job')) as [number, string]
      if (number !== 0) await ended(unit, job)
    },
  }
}

const jobRemoved = `type='signal',sender='${manager.destination}',interface='${manager.interface}',member='JobRemoved'`

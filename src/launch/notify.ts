/**
 * Stage 4, launch: sd_notify(3) for a container. It gets a socket of its own at /run/notify, and all that
 * goes on to the runtime's manager is that the container is ready, and which process is its main one.
 */
import type { Config } from '../config/types.js'
import {
  closeFile,
  fileInfo,
  forwardNotify,
  gather,
  listenNotify,
  openProcess,
  waitReadable,
  type NotifyRelay,
} from '../native/binding.js'
import type { StateRecord } from '../state/record.js'
import type { ContainerId, Store } from '../state/store.js'
import type { Waiter } from '../native/wait.js'

const inContainer = '/run/notify'
const socketName = 'notify.sock'

/** The config of a container with a notify socket in `directory` of the host; without mounts there is no place for it. */
export function withNotifySocket(config: Config, directory: string): Config {
  if (!config.linux?.namespaces?.some(({ type }) => type === 'mount')) return config
  const options = ['bind', 'nosuid', 'noexec', 'nodev', 'ro']
  const mount = { destination: inContainer, type: 'bind', source: directory, options }
  const env = [...(config.process.env ?? []), `NOTIFY_SOCKET=${inContainer}/${socketName}`]
  return { ...config, mounts: [...(config.mounts ?? []), mount], process: { ...config.process, env } }
}

/** Binds the socket; undefined without a manager, or when the container was created without one. */
export function openNotify(store: Store, id: ContainerId, host: string | undefined): NotifyRelay | undefined {
  const directory = store.notifyDirectory(id)
  if (host === undefined || host === '' || fileInfo(directory) === undefined) return undefined
  return { fd: listenNotify(`${directory}/${socketName}`), host }
}

/** Until the container has said that it is ready, and the manager knows it, or until it has ended. */
export async function forwardUntilReady(relay: NotifyRelay, { pid }: StateRecord, waiter: Waiter): Promise<void> {
  const pidfd = openProcess(pid)
  if (pidfd < 0) return
  const either = gather([relay.fd, pidfd])
  try {
    while (!forwardNotify(relay, pid)) {
      await waiter.readable(either)
      // Looked at once more, since it may have said so before its end.
      if (waitReadable(pidfd, 0)) return void forwardNotify(relay, pid)
    }
  } finally {
    closeFile(either)
    closeFile(pidfd)
  }
}

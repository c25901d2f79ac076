/** Command line: the manager that waits for the container to be ready (sd_notify(3)). */

/** The option for `create`, `start` and `run`. */
export function notifyOption(): { readonly notifySocket?: string } {
  const { NOTIFY_SOCKET: notifySocket } = process.env
  return notifySocket === undefined || notifySocket === '' ? {} : { notifySocket }
}

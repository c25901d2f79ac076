/** Stage 2, plan: the state of a container as the specification has it, for hooks and seccomp agents. */

/** Version of the spec that the state document follows (runtime.md "State"). */
export const stateVersion = '1.3.0'

/** The state (runtime.md "State"), with the `status` that the caller knows. */
export interface OciState<Status extends string = string> {
  readonly ociVersion: string
  readonly id: string
  readonly status: Status
  /** Of init, in the pid namespace of who reads this; 0 when stopped. */
  readonly pid: number
  readonly bundle: string
  readonly annotations?: Readonly<Record<string, string>>
}

/** What the document is made of. */
interface Described {
  readonly id: string
  readonly pid: number
  readonly bundle: string
  readonly annotations?: Readonly<Record<string, string>> | undefined
}

/** The state document; a stopped container has no pid. */
export function ociState<Status extends string>(
  { id, pid, bundle, annotations }: Described,
  status: Status,
): OciState<Status> {
  const state = { ociVersion: stateVersion, id, status, pid: status === 'stopped' ? 0 : pid, bundle }
  return annotations ? { ...state, annotations } : state
}

/** The document as text, in the parts before and after the pid of a process that is still to be cloned. */
export function stateAroundPid(container: Omit<Described, 'pid'>, status: string): [string, string] {
  const text = JSON.stringify(ociState({ ...container, pid: 0 }, status))
  const name = '"pid":'
  // The first one is the member: in texts the quotes are escaped.
  const at = text.indexOf(`${name}0`) + name.length
  return [text.slice(0, at), text.slice(at + 1)]
}

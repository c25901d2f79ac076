/** Stage 4, launch: moves network devices from the runtime's network namespace into the container's. */
import { SyscallError } from '../errors.js'
import { describeFailure, errnoName, moveDevices } from '../native/binding.js'
import type { NetDevicePlan } from '../plan/types.js'

/** Why it is not permitted, which the kernel doesn't say. */
const permission = 'needs CAP_NET_ADMIN in the network namespace of tsrun and in that of the container'

/**
 * Moves the devices, with their permanent global addresses and up, to where the process is.
 * @throws SyscallError that names the device and the rtnetlink message
 */
export function moveNetDevices(devices: readonly NetDevicePlan[], pid: number): void {
  if (devices.length === 0) return
  const moves = devices.map(({ name, target }) => [name, target] as const)
  const failed = moveDevices(`/proc/${pid}/ns/net`, moves)
  if (failed === undefined) return
  const { index, operation, errno, words } = failed
  const { name = '', target = '' } = devices[index] ?? {}
  const detail = words || (errnoName(errno) === 'EPERM' ? permission : '')
  const as = name === target ? '' : ` as ${JSON.stringify(target)}`
  throw new SyscallError(
    `cannot move network device ${JSON.stringify(name)} into the container${as}: ` +
      `${describeFailure(operation, errno, undefined)}${detail === '' ? '' : ` (${detail})`}`,
    {
      ...{ side: 'parent', step: 'netDevices', syscall: operation, errno, errnoName: errnoName(errno), path: name },
      ...(detail === '' ? {} : { detail }),
    },
  )
}

/**
 * Native: what the kernel is told about a container from outside: cgroup files, device rules, network devices,
 * seccomp filters.
 */
import { ConfigError } from '../errors.js'
import type { DeviceRulePlan } from '../plan/resources/devices.js'
import type { SeccompRequest } from '../plan/seccomp.js'
import { native } from './addon.js'
import type { RecordOf } from './addon-types.js'

/** The write that the kernel did not take; those before it are done. */
export type RejectedWrite = RecordOf<'rejectedWrite'>

/**
 * Writes values to files of a cgroup directory, one write(2) per line of a value, in order; ends at the
 * first that is rejected and tells which. @throws SyscallError when there is no directory
 */
export const writeCgroup = (
  directory: string,
  files: readonly (readonly [file: string, value: string])[],
): RejectedWrite | undefined => native().writeCgroup(directory, files)

/**
 * Walks a cgroup and all those below it by descriptors, since names below a container's own are its choice: lists their
 * processes (0 for one that is outside of this pid namespace), thaws them (cgroup v1), or removes all but the first
 * where they are not busy. What has gone meanwhile doesn't count. @throws SyscallError
 */
export const cgroupSubtree = (directory: string, work: 'list' | 'thaw' | 'remove'): number[] =>
  native().cgroupSubtree(directory, work)

/** Attaches device rules to a cgroup2 directory, in the place of earlier ones. @throws SyscallError */
export const setDeviceRules = (directory: string, rules: readonly DeviceRulePlan[]): void =>
  native().setDeviceRules(directory, rules)

/** The eBPF program of device rules (struct bpf_insn[]), for tests. */
export const assembleDeviceRules = (rules: readonly DeviceRulePlan[]): Uint8Array => native().assembleDeviceRules(rules)

/** The network device that could not be moved. */
export type RejectedDevice = RecordOf<'rejectedDevice'>

/** Moves network devices to the namespace at a path; tells which one could not be. @throws SyscallError */
export const moveDevices = (
  netns: string,
  devices: readonly (readonly [name: string, target: string])[],
): RejectedDevice | undefined => native().moveDevices(netns, devices)

/**
 * Compiles a seccomp section with libseccomp to BPF (struct sock_filter[]). `cache` is a directory where filters are kept,
 * which is only believed where nobody else can write; whatever goes wrong with it only costs time. @throws ConfigError
 */
export function compileSeccomp(request: SeccompRequest, cache = ''): Uint8Array {
  try {
    return native().compileSeccomp(request, cache)
  } catch (error) {
    // Not a failed system call: libseccomp cannot make a filter of what the config says.
    throw ConfigError.from([{ pointer: '/linux/seccomp', message: (error as Error).message }])
  }
}

/** Version of the libseccomp that is linked in, for example `2.5.4`. */
export const seccompVersion = (): string => native().seccompVersion()

/** Doctor: what the kernel does when it is asked to, within whatever filter or sandbox this process is in. */
import { readMounts } from '../host/mountinfo.js'
import { errnoName, kernelRelease, probe, type ProbeName, processIds, readFileIfAny } from '../native/binding.js'
import { check, type Check, type Section } from './check.js'

/** Linux 5.14: cgroup.kill, and mount_setattr in the form that is used. */
const oldest = [5, 14] as const

function kernelVersion(): Check {
  const release = kernelRelease()
  const [major = 0, minor = 0] = release.split('.').map(Number)
  const enough = major > oldest[0] || (major === oldest[0] && minor >= oldest[1])
  return check('Linux', enough ? 'ok' : 'missing', release, `a kernel of ${oldest.join('.')} or newer`)
}

/** `lacking`: how bad it is without. */
function tried(name: string, what: ProbeName, lacking: 'partly' | 'missing', mend: string, path?: string): Check {
  const errno = probe(what, path)
  return check(name, errno === 0 ? 'ok' : lacking, errno === 0 ? 'works' : errnoName(errno), mend)
}

const filtered =
  'leave the seccomp filter that this shell runs under (a container?): docker run --security-opt seccomp=unconfined'

/** System calls, namespaces and mounts. */
export function kernelSection(): Section {
  const user = readFileIfAny('/proc/sys/user/max_user_namespaces')?.trim() === '0'
  const allow = user
    ? 'sudo sysctl -w user.max_user_namespaces=15000'
    : readFileIfAny('/proc/sys/kernel/apparmor_restrict_unprivileged_userns')?.trim() === '1'
      ? 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0'
      : readFileIfAny('/proc/sys/kernel/unprivileged_userns_clone')?.trim() === '0'
        ? 'sudo sysctl -w kernel.unprivileged_userns_clone=1'
        : 'a kernel with CONFIG_USER_NS'
  const root = processIds().euid === 0
  return {
    title: 'kernel',
    checks: [
      kernelVersion(),
      tried('openat2', 'openat2', 'missing', filtered),
      tried('clone3', 'clone3', 'missing', filtered),
      tried('mount_setattr', 'newMounts', 'missing', filtered),
      tried('pidfd_open', 'pidfd', 'missing', filtered),
      tried('user namespaces', 'userNamespace', root ? 'partly' : 'missing', allow),
      ...(root
        ? [tried('mount namespaces', 'mountNamespace', 'missing', 'CAP_SYS_ADMIN: docker run --privileged')]
        : []),
      tried('time namespaces', 'timeNamespace', 'partly', root ? 'a kernel with CONFIG_TIME_NS' : 'root'),
      ...overlays(root),
      ...(root ? [idMapped()] : []),
      seccomp(),
    ],
  }
}

function overlays(root: boolean): Check[] {
  const load = 'sudo modprobe overlay'
  const inside = tried(
    'overlay in a user namespace',
    'overlayInUserNamespace',
    'partly',
    'fuse-overlayfs in its place, or Linux 5.11',
  )
  return root ? [tried('overlay', 'overlay', 'partly', load), inside] : [inside]
}

function idMapped(): Check {
  const errno = probe('idMappedMount', '/')
  const type = readMounts().findLast(({ point }) => point === '/')?.type ?? 'unknown'
  const found = errno === 0 ? `work on / (${type})` : `${errnoName(errno)} on / (${type})`
  return check(
    'id-mapped mounts',
    errno === 0 ? 'ok' : 'partly',
    found,
    'keep volumes on a file system that has them: ext4, xfs, btrfs',
  )
}

function seccomp(): Check {
  const actions = (['seccompKill', 'seccompLog', 'seccompNotify'] as const).filter((name) => probe(name) === 0)
  const words = actions.map((name) => name.replace('seccomp', '').toLowerCase()).join(', ')
  return check(
    'seccomp',
    actions.length === 3 ? 'ok' : actions.length > 0 ? 'partly' : 'missing',
    actions.length > 0 ? `actions ${words}` : 'none',
    'a kernel with CONFIG_SECCOMP_FILTER',
  )
}

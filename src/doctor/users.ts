/** Doctor: what an ordinary user needs for more ids than the own one, and the security modules. */
import { probeHost } from '../host/facts.js'
import { fileInfo, hasAttribute, processIds, readFileIfAny, realPath } from '../native/binding.js'
import { findProgram } from '../native/helper-process.js'
import { describeRanges, parseSubordinateIds } from '../plan/subordinate-ids.js'
import { check, type Check, type Section } from './check.js'
import { installing } from './packages.js'

const setUserId = 0o4000

/** Subordinate ids, with the programs that map them. */
export function userSection(): Section {
  const { euid } = processIds()
  const user = nameOf(euid)
  if (euid === 0) return { title: 'users', checks: [check('user', 'ok', 'root'), tools()] }
  return {
    title: 'users',
    checks: [
      check('user', 'ok', `${user ?? 'without a name'} (${euid})`),
      tools(),
      ...['/etc/subuid', '/etc/subgid'].map((file) => ranges(file, user, euid)),
      runtimeDirectory(),
    ],
  }
}

const nameOf = (uid: number): string | undefined =>
  readFileIfAny('/etc/passwd')
    ?.split('\n')
    .map((line) => line.split(':'))
    .find(([, , id]) => id === String(uid))?.[0]

function tools(): Check {
  const unable = ['newuidmap', 'newgidmap'].filter((name) => {
    const path = findProgram(name, process.env.PATH)
    if (path === undefined) return true
    const mode = fileInfo(realPath(path))?.mode ?? 0
    return (mode & setUserId) === 0 && !hasAttribute(path, 'security.capability')
  })
  const found =
    unable.length === 0 ? 'installed, with the right to map' : `${unable.join(' and ')} missing, or without privilege`
  return check('newuidmap, newgidmap', unable.length === 0 ? 'ok' : 'partly', found, installing('newuidmap'))
}

function ranges(file: string, user: string | undefined, uid: number): Check {
  const given = parseSubordinateIds(readFileIfAny(file) ?? '', [user ?? '', String(uid)])
  const mend = `sudo usermod --add-sub${file.slice(-3)}s 100000-165535 ${user ?? uid}`
  return given.length > 0
    ? check(file, 'ok', describeRanges(given))
    : check(file, 'partly', 'no range for this user: containers have the own id alone', mend)
}

function runtimeDirectory(): Check {
  const { XDG_RUNTIME_DIR: directory = '' } = process.env
  const there = directory !== '' && fileInfo(directory)?.type === 'directory'
  return there
    ? check('XDG_RUNTIME_DIR', 'ok', directory)
    : check('XDG_RUNTIME_DIR', 'partly', 'not set', 'export XDG_RUNTIME_DIR=$(mktemp -d), or --root DIR')
}

/** AppArmor and SELinux: nothing is missing without, a config just may not name their labels. */
export function securitySection(): Section {
  const { apparmor, selinux } = probeHost({ apparmor: true, selinux: true })
  const modules = readFileIfAny('/sys/kernel/security/lsm')?.trim()
  const yes = 'labels of a config are applied'
  const no = 'not active: a config that names a label of it is refused'
  return {
    title: 'security modules',
    checks: [
      ...(modules === undefined ? [] : [check('active', 'ok' as const, modules)]),
      check('AppArmor', apparmor ? 'ok' : 'partly', apparmor ? yes : no, 'boot with apparmor=1 security=apparmor'),
      check('SELinux', selinux ? 'ok' : 'partly', selinux ? yes : no, 'boot with selinux=1 security=selinux'),
    ],
  }
}

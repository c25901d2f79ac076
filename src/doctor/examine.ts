/** Doctor: looks at everything, and says what of tsrun works with it. */
import { attemptSection } from './attempt.js'
import { cgroupSection } from './cgroups.js'
import type { Check, Section, State } from './check.js'
import { kernelSection } from './kernel.js'
import { engineSection, toolSection } from './programs.js'
import { securitySection, userSection } from './users.js'

/** All that was found, and the worst state of what containers cannot do without. */
export interface Examination {
  readonly sections: readonly Section[]
  /** What works, by the name of the ability. */
  readonly works: readonly { readonly name: string; readonly state: State; readonly because: readonly string[] }[]
}

/** Which checks an ability hangs on. */
const abilities: Readonly<Record<string, readonly string[]>> = {
  'run containers': ['Linux', 'openat2', 'clone3', 'mount_setattr', 'pidfd_open', 'mount namespaces', 'a container'],
  'run containers of ordinary users': ['user namespaces'],
  'more ids than the own one for ordinary users': ['newuidmap, newgidmap', '/etc/subuid', '/etc/subgid'],
  'limits, pause, statistics': ['hierarchies', 'controllers', 'delegation', 'with limits'],
  '--systemd-cgroup': ['systemd'],
  'seccomp filters': ['seccomp'],
  'id-mapped volumes': ['id-mapped mounts'],
  'labels of AppArmor or SELinux': ['AppArmor', 'SELinux'],
  'checkpoint, restore': ['criu'],
}

const worst = (states: readonly State[]): State =>
  states.includes('missing') ? 'missing' : states.includes('partly') ? 'partly' : 'ok'

/** Either module will do. */
const either = new Set(['labels of AppArmor or SELinux'])

/** Examines this host as this user. */
export async function examine(): Promise<Examination> {
  const sections = [
    ...[kernelSection(), await cgroupSection(), userSection(), securitySection()],
    ...[toolSection(), engineSection(), await attemptSection()],
  ]
  const all = sections.flatMap(({ checks }) => checks)
  const works = Object.entries(abilities).flatMap(([name, names]) => {
    const hangsOn = all.filter((one) => names.includes(one.name))
    if (hangsOn.length === 0) return []
    const enough = either.has(name) && hangsOn.some(({ state }) => state === 'ok')
    const faulty: readonly Check[] = enough ? [] : hangsOn.filter(({ state }) => state !== 'ok')
    return [{ name, state: worst(faulty.map(({ state }) => state)), because: faulty.map((one) => one.name) }]
  })
  return { sections, works }
}

/** Doctor: the command that installs a program, in the words of this host's package manager. */
import { findProgram } from '../native/helper-process.js'

const managers = {
  'apt-get': 'apt-get install',
  dnf: 'dnf install',
  zypper: 'zypper install',
  apk: 'apk add',
  pacman: 'pacman -S',
} as const

type Manager = keyof typeof managers

/** Which package of each has a program. */
const packages = {
  criu: { 'apt-get': 'criu', dnf: 'criu', zypper: 'criu', apk: 'criu', pacman: 'criu' },
  newuidmap: { 'apt-get': 'uidmap', dnf: 'shadow-utils', zypper: 'shadow', apk: 'shadow-uidmap', pacman: 'shadow' },
  ps: { 'apt-get': 'procps', dnf: 'procps-ng', zypper: 'procps', apk: 'procps-ng', pacman: 'procps-ng' },
} as const satisfies Readonly<Record<string, Readonly<Record<Manager, string>>>>

/** How a program gets here, for example `sudo apt-get install criu`. */
export function installing(program: keyof typeof packages): string {
  const manager = (Object.keys(managers) as Manager[]).find((name) => findProgram(name, process.env.PATH) !== undefined)
  return manager === undefined
    ? `the package of this system that has ${program}`
    : `sudo ${managers[manager]} ${packages[program][manager]}`
}

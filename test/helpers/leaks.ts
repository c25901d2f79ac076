/** Test helper: finds what a container or a runtime has left behind. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

const readIfAny = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // the process has ended meanwhile
  }
}

const linkIfAny = (path: string): string => {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

const directoriesIn = (path: string): string[] => {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(path, name))
  } catch {
    return []
  }
}

/** Mounts whose line in mountinfo has the word. */
export const mountsWith = (word: string): string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(word))

/** The mounts that are not other tests', which come and go: those of the host, and those of the test with the word. */
export const mountsSeenBy = (word: string): string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(word) || !/\btsrun-(test|engine)-/.test(line))

/** Mount points of the cgroup hierarchies. */
export const cgroupMounts = (): string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '')

/** Cgroup directories whose name has the word, in all hierarchies. */
export function cgroupsWith(word: string): string[] {
  const walk = (path: string, depth: number): string[] =>
    directoriesIn(path).flatMap((below) => (below.includes(word) ? [below] : depth === 0 ? [] : walk(below, depth - 1)))
  return cgroupMounts().flatMap((mount) => walk(mount, 4))
}

/** A live process. */
export interface LiveProcess {
  readonly pid: number
  readonly command: string
}

/** Peers, and what the kernel starts to tell systemd that a cgroup (v1) is empty, with the name of that cgroup. */
const isForeign = /\/peer-[0-9a-f]+ |^\S*\/systemd-cgroups-agent /

/** Live processes that were started with the word in their arguments, or are in a cgroup named by it. */
export function processesWith(word: string): LiveProcess[] {
  const found: LiveProcess[] = []
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue
    const command = readIfAny(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')
    const places = [command, readIfAny(`/proc/${pid}/cgroup`), linkIfAny(`/proc/${pid}/cwd`)]
    if (!places.some((place) => place.includes(word)) || isForeign.test(command)) continue
    // A zombie is for its parent to reap.
    const state = /\) (\w)/.exec(readIfAny(`/proc/${pid}/stat`))?.[1] ?? 'Z'
    if (state !== 'Z' && state !== 'X') found.push({ pid: Number(pid), command })
  }
  return found
}

/** Everything that carries the word, and the entries of the state directory. */
export function leftovers(word: string, stateRoot: string): string[] {
  return [
    ...processesWith(word).map(({ pid, command }) => `process ${pid}: ${command}`),
    ...mountsWith(word).map((line) => `mount: ${line}`),
    ...cgroupsWith(word).map((path) => `cgroup: ${path}`),
    // Dot files belong to the runtime, not to a container: its cache of compiled seccomp filters.
    ...readdirSync(stateRoot)
      .filter((name) => !name.startsWith('.'))
      .map((name) => `state: ${join(stateRoot, name)}`),
  ]
}

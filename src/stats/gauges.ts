/** Statistics: a few numbers of a container again and again, from files that stay open. */
import { closeFile, hasErrno, openFile, openFlag, readAgain } from '../native/binding.js'
import type { Cgroup } from '../cgroup/cgroup.js'
import { type GaugeSource, numberAfter, plainNumber, sumOf } from './files.js'
import { gaugesV1 } from './v1.js'

/** What can be measured; a container without the controller has no number for it. */
export type Gauge = 'cpu' | 'memory' | 'limit' | 'pids' | 'io' | 'oom' | 'cpuPressure' | 'memoryPressure'

/** Counters as they stand: CPU in microseconds, memory in bytes, input and output in bytes, pressure in percent. */
export type Reading = Readonly<Partial<Record<Gauge, number>>>

const average = (text: string): number => Number(/^some avg10=([\d.]+)/m.exec(text)?.[1] ?? 0)

/** Where cgroup v2 has them. */
const gaugesV2: readonly GaugeSource<Gauge>[] = [
  { gauge: 'cpu', file: 'cpu.stat', parse: numberAfter('usage_usec') },
  { gauge: 'memory', file: 'memory.current', parse: plainNumber },
  { gauge: 'limit', file: 'memory.max', parse: plainNumber },
  { gauge: 'oom', file: 'memory.events', parse: numberAfter('oom_kill') },
  { gauge: 'pids', file: 'pids.current', parse: plainNumber },
  { gauge: 'io', file: 'io.stat', parse: sumOf(/[rw]bytes=(\d+)/g) },
  { gauge: 'cpuPressure', file: 'cpu.pressure', parse: average },
  { gauge: 'memoryPressure', file: 'memory.pressure', parse: average },
]

/** The gauges of one container; each costs one system call per look. */
export class Gauges {
  readonly #open: { readonly source: GaugeSource<Gauge>; readonly fd: number }[] = []

  /** Opens what is there, the first source of each gauge. @throws SyscallError for anything but what is missing */
  constructor(cgroup: Cgroup) {
    for (const source of [...gaugesV1, ...gaugesV2]) {
      const directory = source.controller === undefined ? cgroup.unified : cgroup.v1(source.controller)
      if (directory === undefined || this.#open.some((one) => one.source.gauge === source.gauge)) continue
      try {
        this.#open.push({ source, fd: openFile(`${directory}/${source.file}`, openFlag.read) })
      } catch (error) {
        if (!['ENOENT', 'ENODEV', 'ENOTDIR', 'EOPNOTSUPP', 'EACCES'].some((name) => hasErrno(error, name))) throw error
      }
    }
  }

  /** The wanted gauges now; undefined when the container has gone. */
  read(wanted: ReadonlySet<Gauge>): Reading | undefined {
    const asked = this.#open.filter(({ source }) => wanted.has(source.gauge))
    const texts = readAgain(asked.map(({ fd }) => fd))
    if (asked.length > 0 && texts.every((text) => text === '')) return undefined
    return Object.fromEntries(asked.map(({ source }, at) => [source.gauge, source.parse(texts[at] ?? '')]))
  }

  close(): void {
    for (const { fd } of this.#open.splice(0)) closeFile(fd)
  }
}

/** Statistics: a few numbers of a container again and again, from files that stay open. */
import { closeFile, hasErrno, openFile, openFlag, readAgain } from '../native/binding.js'
import type { CgroupPlan } from '../plan/types.js'

/** What can be measured; a container without the controller has no number for it. */
export type Gauge = 'cpu' | 'memory' | 'limit' | 'pids' | 'io' | 'oom' | 'cpuPressure' | 'memoryPressure'

/** Counters as they stand: CPU in microseconds, memory in bytes, input and output in bytes, pressure in percent. */
export type Reading = Readonly<Partial<Record<Gauge, number>>>

interface Source {
  readonly gauge: Gauge
  readonly path: string
  parse(text: string): number
}

const number = (text: string): number => (text.trim() === 'max' ? Infinity : Number(text))
const keyed = (key: string) => (text: string) => Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
const sumOf = (pattern: RegExp) => (text: string) =>
  [...text.matchAll(pattern)].reduce((sum, [, value]) => sum + Number(value), 0)
const average = (text: string): number => Number(/^some avg10=([\d.]+)/m.exec(text)?.[1] ?? 0)

/** No limit of cgroup v1 is the largest number of pages. */
const noLimit = 2 ** 62

function sourcesOf({ unified, v1 }: CgroupPlan): Source[] {
  const old = (controller: string, gauge: Gauge, name: string, parse: Source['parse']): Source[] => {
    const directory = Object.entries(v1).find(([names]) => names.split(',').includes(controller))?.[1]
    return directory === undefined ? [] : [{ gauge, path: `${directory}/${name}`, parse }]
  }
  const own = (gauge: Gauge, name: string, parse: Source['parse']): Source[] =>
    unified === undefined ? [] : [{ gauge, path: `${unified}/${name}`, parse }]
  return [
    ...old('cpuacct', 'cpu', 'cpuacct.usage', (text) => Number(text) / 1000),
    ...old('memory', 'memory', 'memory.usage_in_bytes', number),
    ...old('memory', 'limit', 'memory.limit_in_bytes', (text) => (number(text) > noLimit ? Infinity : number(text))),
    ...old('memory', 'oom', 'memory.oom_control', keyed('oom_kill')),
    ...old('pids', 'pids', 'pids.current', number),
    ...old('blkio', 'io', 'blkio.throttle.io_service_bytes_recursive', sumOf(/^\d+:\d+ (?:Read|Write) (\d+)$/gm)),
    ...own('cpu', 'cpu.stat', keyed('usage_usec')),
    ...own('memory', 'memory.current', number),
    ...own('limit', 'memory.max', number),
    ...own('oom', 'memory.events', keyed('oom_kill')),
    ...own('pids', 'pids.current', number),
    ...own('io', 'io.stat', sumOf(/[rw]bytes=(\d+)/g)),
    ...own('cpuPressure', 'cpu.pressure', average),
    ...own('memoryPressure', 'memory.pressure', average),
  ]
}

/** The gauges of one container; each costs one system call per look. */
export class Gauges {
  readonly #open: { readonly source: Source; readonly fd: number }[] = []

  /** Opens what is there, the first source of each gauge. @throws SyscallError for anything but what is missing */
  constructor(cgroup: CgroupPlan) {
    for (const source of sourcesOf(cgroup)) {
      if (this.#open.some((one) => one.source.gauge === source.gauge)) continue
      try {
        this.#open.push({ source, fd: openFile(source.path, openFlag.read) })
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

/** Command line: events of a container as lines to read, for a terminal. */
import type { ContainerEvent } from '../core.js'
import { bytes } from './top/table.js'

type Count = number | bigint | undefined

const number = (count: Count): number => Number(count ?? 0)

/** No limit is the largest number, whichever that is. */
const noLimit = 2 ** 62

/** Makes lines of events in their order: what CPU time it has taken is told by the event before. */
export function eventWords(): (event: ContainerEvent) => string {
  let before: { readonly cpu: number; readonly at: number } | undefined
  return (event) => {
    const time = new Date().toISOString().slice(11, 19)
    if (event.type === 'oom') return `${time}  the OOM killer has ended a process\n`
    const { cpu, memory, pids } = event.data
    const now = { cpu: number(cpu.usage.total), at: Date.now() }
    const share = before === undefined ? undefined : (now.cpu - before.cpu) / 1e4 / Math.max(1, now.at - before.at)
    before = now
    const limit = number(memory.usage.limit)
    const parts = [
      `cpu ${share === undefined ? `${(now.cpu / 1e9).toFixed(2)} s` : `${share.toFixed(1)}%`}`,
      `memory ${bytes(number(memory.usage.usage))}${limit > 0 && limit < noLimit ? ` of ${bytes(limit)}` : ''}`,
      `processes ${number(pids.current)}${number(pids.limit) > 0 ? ` of ${number(pids.limit)}` : ''}`,
    ]
    return `${time}  ${parts.join('   ')}\n`
  }
}

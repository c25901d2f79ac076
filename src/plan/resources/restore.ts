/** Stage 2, plan: the writes that give files of a cgroup their old values back. Pure. */
import type { CgroupWrite } from './types.js'

/** Files whose lines each belong to a key other than a device number. */
const keyedFiles = new Set(['rdma.max', 'net_prio.ifpriomap'])

/** What means "no limit" for a device that has no line in the file. */
function unlimited(file: string, device: string): string {
  if (file === 'io.max') return `${device} rbps=max wbps=max riops=max wiops=max`
  if (file.endsWith('weight')) return `${device} default`
  return `${device} 0`
}

/** The line of a key, for a write that changed only that key. */
function oldLine(file: string, line: string, before: readonly string[]): string | undefined {
  const [key = ''] = line.split(' ')
  const isDevice = /^\d+:\d+$/.test(key)
  if (!isDevice && !keyedFiles.has(file)) return undefined
  return before.find((one) => one.startsWith(`${key} `)) ?? (isDevice ? unlimited(file, key) : undefined)
}

/** The write that undoes `write`, given the text that the file had before. */
export function restoringWrite({ hierarchy, file, value }: CgroupWrite, before: string): CgroupWrite {
  const old = before.split('\n').filter(Boolean)
  if (file === 'memory.oom_control') {
    return { hierarchy, file, value: /^oom_kill_disable 1$/m.test(before) ? '1' : '0' }
  }
  const keyed = value.split('\n').map((line) => oldLine(file, line, old))
  const lines = keyed.filter((line) => line !== undefined)
  if (lines.length > 0) return { hierarchy, file, value: lines.join('\n'), retry: true }
  // io.weight: its first line is the group's own, the others are those of devices.
  return { hierarchy, file, value: old.find((line) => line.startsWith('default ')) ?? before.trim(), retry: true }
}

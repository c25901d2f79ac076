/** Stage 2, plan: the writes that give files of a cgroup their old values back. Pure. */
import type { CgroupWrite } from './types.js'

/** The write that undoes another one, given the text that the file had before. */
export function restoringWrite({ hierarchy, file, value, key, none }: CgroupWrite, before: string): CgroupWrite {
  const lines = before.split('\n').filter(Boolean)
  const old = key === undefined ? undefined : (lines.find((line) => line.startsWith(`${key} `)) ?? none)
  // memory.oom_control of cgroup v1 has keys in what is read, but takes the value alone.
  const line = old !== undefined && key !== undefined && !value.startsWith(key) ? old.slice(key.length + 1) : old
  // io.weight: its first line is the group's own, the others are those of devices.
  const whole = lines.find((one) => one.startsWith('default ')) ?? before.trim()
  return { hierarchy, file, value: line ?? whole, retry: true }
}

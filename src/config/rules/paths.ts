/** Stage 1, config: a rule for all paths: what the kernel would not take in one piece is refused before any process is made. */
import type { Path } from '../pointer.js'
import type { Rule } from './rule.js'

/** PATH_MAX of the kernel, with the NUL at the end. */
const pathMax = 4096

/** Bytes of the text in UTF-8; measured only where it could be too much. */
const byteLength = (text: string): number =>
  text.length * 3 < pathMax ? text.length : new TextEncoder().encode(text).length

/** Lengths that cross to native code are bounded here, not there (CVE-2021-43784 of runc). */
export const pathsFitTheKernel: Rule = (config, report) => {
  const check = (path: string | undefined, at: Path): void => {
    if (path === undefined || byteLength(path) < pathMax) return
    report(at, `is a path of ${byteLength(path)} bytes, the kernel takes at most ${pathMax - 1}`)
  }
  const { process, root, mounts, linux, hooks } = config
  check(root?.path, ['root', 'path'])
  check(process?.cwd, ['process', 'cwd'])
  check(process?.args[0], ['process', 'args', 0])
  mounts?.forEach(({ source, destination }, index) => {
    check(source, ['mounts', index, 'source'])
    check(destination, ['mounts', index, 'destination'])
  })
  check(linux?.cgroupsPath, ['linux', 'cgroupsPath'])
  linux?.maskedPaths?.forEach((path, index) => check(path, ['linux', 'maskedPaths', index]))
  linux?.readonlyPaths?.forEach((path, index) => check(path, ['linux', 'readonlyPaths', index]))
  linux?.devices?.forEach(({ path }, index) => check(path, ['linux', 'devices', index, 'path']))
  linux?.namespaces?.forEach(({ path }, index) => check(path, ['linux', 'namespaces', index, 'path']))
  for (const [kind, list] of Object.entries(hooks ?? {}) as [string, readonly { path: string }[]][]) {
    list.forEach(({ path }, index) => check(path, ['hooks', kind, index, 'path']))
  }
}

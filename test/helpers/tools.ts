/** Test helper: the C programs of the tests, compiled when first used and kept under build/test/tools. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Top folder of the project. */
export const projectRoot = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '')

/** Folder of what tests make once and use again. */
export const cacheFolder = join(projectRoot, 'build/test/tools')

const sources = join(projectRoot, 'test/helpers/tools')

/** A compiler for static programs, with its arguments; musl's start faster. */
function compiler(): { program: string; args: string[] } {
  if (spawnSync('musl-gcc', ['--version']).status !== 0) return { program: 'cc', args: [] }
  // Its wrapper drops the kernel's headers.
  const multiarch = spawnSync('cc', ['-print-multiarch'], { encoding: 'utf8' }).stdout.trim()
  return { program: 'musl-gcc', args: ['-idirafter', '/usr/include', '-idirafter', `/usr/include/${multiarch}`] }
}

/** Path of a test program: `probe` runs inside containers, `peer` is what a runtime talks to, `attack` attacks, `seize` traces, `small` does next to nothing, `fault` lets system calls fail, `resctrl` is a file system. */
export function tool(name: 'probe' | 'peer' | 'attack' | 'seize' | 'small' | 'resctrl' | 'fault'): string {
  const source = join(sources, `${name}.c`)
  const hash = createHash('sha256')
    .update(readFileSync(source))
    .update(readFileSync(join(sources, 'json.h')))
  const path = join(cacheFolder, `${name}-${hash.digest('hex').slice(0, 16)}`)
  if (existsSync(path)) return path
  mkdirSync(cacheFolder, { recursive: true })
  const unfinished = `${path}.${process.pid}`
  const { program, args } = compiler()
  const built = spawnSync(program, ['-static', '-Os', '-Wall', ...args, '-o', unfinished, source], { encoding: 'utf8' })
  if (built.status !== 0) throw new Error(`${program} cannot compile ${source}: ${built.stderr}`)
  // Another test file may do the same at this moment.
  renameSync(unfinished, path)
  return path
}

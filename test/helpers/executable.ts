/** Test helper: executables like dist/tsrun with another program in the place of the command line. */
import { execFileSync, spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { projectRoot } from './tools.js'

/** Where dist/tsrun was made: the engine's compiler, the executable without its heap, the heap. */
export const engineBuild = join(projectRoot, 'build/engine/cmake')

/** Makes an executable with this module in the place of the command line: `copy`, or why the build refuses it. */
export function buildWith(t: Test, source: string): { readonly copy: string; readonly refusal: string } {
  const folder = mkdtempSync(join(tmpdir(), 'static-script-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const [script, modules] = [join(folder, 'main.js'), join(folder, 'modules.bin')]
  const [snapshot, copy] = [join(folder, 'snapshot.bin'), join(folder, 'tsrun')]
  const unfinished = join(engineBuild, 'unfinished')
  writeFileSync(script, source)
  execFileSync(join(engineBuild, 'compile'), [modules, script])
  const { status, stderr } = spawnSync(unfinished, [snapshot, modules], { encoding: 'utf8', timeout: 60_000 })
  if (status !== 0) return { copy, refusal: stderr }
  execFileSync('objcopy', ['--update-section', `.snapshot=${snapshot}`, unfinished, copy])
  return { copy, refusal: '' }
}

/** Runs a script in the place of the command line. */
export function runScript(t: Test, source: string): SpawnSyncReturns<string> {
  const { copy, refusal } = buildWith(t, `export function prepare() {}\nexport function start() {\n${source}\n}\n`)
  t.equal(refusal, '')
  return spawnSync(copy, { encoding: 'utf8', timeout: 60_000 })
}

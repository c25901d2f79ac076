// The runtimes that are compared, and one measured call of each.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, output, root, run } from '../scripts/process.mjs'
import { findProgram } from '../scripts/tools.mjs'

/** tsrun, what else is installed, and `RUNTIMES=name=path,…`: `[{ name, path, version }]`. */
export function runtimes() {
  const given = (process.env.RUNTIMES ?? '')
    .split(',')
    .filter(Boolean)
    .map((entry) => entry.split('='))
  const found = [
    ['tsrun', join(root, 'dist/tsrun')],
    ...['runc', 'crun', 'youki'].map((name) => [name, findProgram(name)]),
  ]
  return [...found, ...given]
    .filter(([, path]) => path && existsSync(path))
    .map(([name, path]) => ({ name, path, version: output(path, ['--version']).split('\n')[0] }))
}

/** Compiles the program that measures, in a folder. */
export function measurer(folder) {
  const program = join(folder, 'measure')
  run('cc', ['-O2', join(root, 'bench/measure.c'), '-o', program])
  const errors = join(folder, 'errors')
  /** `{ ms, cpu, memory }`: milliseconds, of CPU time too, and KiB at the peak. */
  return (path, args, { mayFail = false } = {}) => {
    const env = { ...process.env, MEASURE_ERRORS: errors }
    const { stdout, stderr } = spawnSync(program, [path, ...args], { encoding: 'utf8', env })
    const [ns, micros, memory, status] = stdout.split(' ').map(Number)
    if (status !== 0 && !mayFail)
      throw new Failure(`${path} ${args.join(' ')}: status ${status}: ${stderr}${readFileSync(errors, 'utf8')}`)
    return { ms: ns / 1e6, cpu: micros / 1e3, memory }
  }
}

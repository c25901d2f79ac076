// What all scripts share: where the package is, running a program, and ending with one clear line.
import { spawnSync } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Directory of package.json. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** An expected failure: its message is printed without a stack. */
export class Failure extends Error {}

/** Runs a program with the terminal's stdio; throws a Failure when it fails. */
export function run(program, args, options = {}) {
  const result = spawnSync(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options })
  if (result.error) throw new Failure(`cannot run ${program}: ${result.error.message}`)
  if (result.status !== 0) throw new Failure(`${program} ${args.join(' ')}: ${ending(result)}`)
}

/** Runs a program whose output is of interest only when it fails. */
export function runQuietly(program, args) {
  const result = spawnSync(program, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (result.error) throw new Failure(`cannot run ${program}: ${result.error.message}`)
  if (result.status !== 0) {
    throw new Failure(`${program} ${args.join(' ')}: ${ending(result)}\n${result.stdout}${result.stderr}`.trimEnd())
  }
}

/** Runs a program and returns its standard output; throws a Failure with its standard error. */
export function output(program, args, options = {}) {
  const result = spawnSync(program, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28, ...options })
  if (result.error) throw new Failure(`cannot run ${program}: ${result.error.message}`)
  if (result.status !== 0) {
    throw new Failure(`${program} ${args.join(' ')}: ${ending(result)}\n${result.stderr}`.trimEnd())
  }
  return result.stdout
}

/** How a program ended, in words. */
export function ending(result) {
  return result.signal ? `killed by ${result.signal}` : `exit status ${result.status}`
}

/** Path of a file of an installed package, also where npm has hoisted it; undefined when not installed. */
export function packageFile(name, file) {
  try {
    return join(dirname(createRequire(join(root, 'package.json')).resolve(`${name}/package.json`)), file)
  } catch {
    return undefined
  }
}

/** True for the script that node was started with, false for one that another script imports. */
export function isMain(url) {
  return process.argv[1] !== undefined && realpathSync(process.argv[1]) === realpathSync(fileURLToPath(url))
}

/** Runs the main function of a script; a Failure becomes one line and exit status 1. */
export async function script(main) {
  try {
    process.exitCode = (await main(process.argv.slice(2))) ?? 0
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    console.error(`tsrun: ${error.message}`)
    process.exitCode = 1
  }
}

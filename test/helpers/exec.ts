/** Test helper: containers that do nothing, and processes added to them. */
import type { Change } from './config.js'
import type { Container } from './container.js'
import { parseReport, type Report } from './probe.js'
import type { Result } from './runtime.js'
import type { Scope } from './scope.js'

/** A config whose program does nothing. */
export const sleeper: Change = (config) => {
  config.process.args = ['/bin/sleep', '1000']
}

/** A container that runs and does nothing. @throws when it does not run */
export function running(scope: Scope, change?: Change): Container {
  const container = scope.container((config) => {
    sleeper(config)
    change?.(config)
  })
  const { status, stderr } = container.run(['--detach'])
  if (status !== 0) throw new Error(`the container does not run: ${stderr}`)
  return container
}

/** Runs the command `exec`. */
export const exec = (scope: Scope, ...args: readonly string[]): Result => scope.runtime(['exec', ...args])

/** The report of the probe as a further process of a container. @throws when that fails */
export function probe(scope: Scope, container: Container, flags: readonly string[] = [], ...tries: string[]): Report {
  const { status, stdout, stderr } = exec(scope, ...flags, container.id, '/probe', ...tries)
  if (status !== 0 || stderr !== '') throw new Error(`exec ended with status ${status}: ${stderr}`)
  return parseReport(stdout)
}

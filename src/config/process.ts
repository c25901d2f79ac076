/** Stage 1, config: the process that `exec` is given, checked as the one of config.json is. */
import { ConfigError, type ConfigIssue } from '../errors.js'
import { readAs } from './document.js'
import { pointer } from './pointer.js'
import * as rules from './rules/process.js'
import { processShape } from './schema/process.js'
import type { Process } from './types.js'

/** A value of unknown shape as a process. Throws ConfigError with every problem. */
export async function checkProcess(value: unknown): Promise<Process> {
  const issues: ConfigIssue[] = []
  const process = await readAs(processShape(), value).catch((error: unknown) => {
    if (!(error instanceof ConfigError)) throw error
    throw invalid(error.issues)
  })
  for (const rule of [
    rules.cwdIsAbsolute,
    rules.rlimitsAreUnique,
    rules.softLimitsAreBelowHardOnes,
    rules.schedulerFitsPolicy,
  ]) {
    rule({ process }, (at, message) => issues.push({ pointer: pointer(at.slice(1)), message }))
  }
  if (issues.length > 0) throw invalid(issues)
  return process
}

function invalid(issues: readonly ConfigIssue[]): ConfigError {
  const list = issues.map(({ pointer: at, message }) => `${at === '' ? '/' : at}: ${message}`)
  return new ConfigError(`invalid process: ${list.join('; ')}`, issues)
}

/** What the tests of the config stage share. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { parseConfig } from '#dist/config/load.js'
import { ConfigError } from '#dist/errors.js'

/** A JSON object that tests take apart. */
export type Json = Record<string, unknown>

/** The text of a file of test/data. */
export function dataText(name: string): string {
  return readFileSync(new URL(`../../../../test/data/${name}`, import.meta.url), 'utf8')
}

/** A small config.json that loads, with the given members instead of its own or beside them. */
export function config(members: Json = {}): Json {
  return { ociVersion: '1.3.0', root: { path: 'rootfs' }, process: processOf(), ...members }
}

/** The process of that config, with the given members. */
export function processOf(members: Json = {}): Json {
  return { cwd: '/', args: ['sh'], ...members }
}

/** That config with all namespaces and the given members of `linux`. */
export function linux(members: Json = {}, others: Json = {}): Json {
  const namespaces = ['mount', 'network', 'uts', 'pid', 'ipc', 'cgroup'].map((type) => ({ type }))
  return config({ linux: { namespaces, ...members }, ...others })
}

/** `pointer: message` of each problem of a config, none when it loads. */
export async function problems(value: unknown): Promise<string[]> {
  return problemsOf(() => parseConfig(value))
}

/** `pointer: message` of each problem in the ConfigError that the function throws, none when it throws nothing. */
export async function problemsOf(action: () => Promise<unknown>): Promise<string[]> {
  try {
    await action()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.issues.map((issue) => `${issue.pointer}: ${issue.message}`)
  }
  return []
}

/** What a rule takes, and what it refuses with every problem that is reported. */
export interface Cases {
  readonly accepted: readonly Json[]
  readonly refused: readonly (readonly [Json, ...string[]])[]
}

/** One test of one rule. */
export function check(rule: string, { accepted, refused }: Cases): void {
  void t.test(rule, async (t) => {
    for (const value of accepted) t.strictSame(await problems(value), [], JSON.stringify(value))
    for (const [value, ...expected] of refused) t.strictSame(await problems(value), expected, JSON.stringify(value))
  })
}

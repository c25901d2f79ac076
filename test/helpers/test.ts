/** Test helper: a test with its needs, its belongings, and the check that nothing of them is left. */
import t, { type Test } from 'tap'
import { runcDifferences } from './differences.js'
import { requires, runtimeName, type Need } from './requires.js'
import { Scope } from './scope.js'

/** What a test needs besides root. */
export interface TestOptions {
  readonly needs?: readonly Need[]
}

/** Known differences are not run, unless `DIFFERENCES=run` asks whether they are still there. */
function skipReason(title: string, needs: readonly Need[]): string | false {
  const missing = requires('root', ...needs)
  if (missing !== false || runtimeName() !== 'runc') return missing
  const difference = runcDifferences[title]
  return difference === undefined || process.env.DIFFERENCES === 'run' ? false : `runc differs: ${difference}`
}

/** `ONLY_NEEDS`: a list of needs, or of cgroup controllers; tests that have none of them are left out. */
function isWanted(needs: readonly Need[]): boolean {
  const only = process.env.ONLY_NEEDS?.split(' ').filter(Boolean) ?? []
  return only.length === 0 || needs.some((need) => only.includes(need) || only.includes(need.split(':')[1] ?? ''))
}

/**
 * A test of a runtime. Its title is a sentence about behaviour; the body gets a scope whose containers,
 * mounts, cgroups and processes must all be gone after it has been closed.
 */
export function test(
  title: string,
  body: (t: Test, scope: Scope) => void | Promise<void>,
  { needs = [] }: TestOptions = {},
): void {
  if (!isWanted(needs)) return
  t.test(title, { skip: skipReason(title, needs) }, async (t) => {
    const scope = new Scope()
    t.teardown(() => scope.close())
    await body(t, scope)
    t.same(scope.close(), [], 'nothing is left behind')
  })
}

/** `test` for a file all of whose tests need the same. */
export const testWith =
  (...common: readonly Need[]) =>
  (title: string, body: Parameters<typeof test>[1], { needs = [] }: TestOptions = {}): void =>
    test(title, body, { needs: [...common, ...needs] })

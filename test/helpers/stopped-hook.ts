/** Test helper: a hook at which the runtime stops, so that a test can look around or kill it there. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Container } from './container.js'
import type { Scope } from './scope.js'

/** A hook that says that it is there, and then waits to be released. */
export interface StoppedHook {
  readonly hook: { path: string; args: string[]; env: string[] }
  /** Waits until the hook runs; returns its pid, as the hook sees it. */
  reached(): number
  release(): void
  /** The same without blocking the event loop, for hooks that the test's own process runs. */
  whenReached(): Promise<number>
  letGo(): Promise<void>
}

/** Makes such a hook; for a startContainer hook with the container that it runs inside. */
export function stoppedHook(scope: Scope, inside?: Container): StoppedHook {
  const name = scope.newId()
  const here = inside === undefined ? scope.folder : inside.bundle.rootfs
  const there = inside === undefined ? scope.folder : ''
  for (const end of ['reached', 'release']) scope.runner.runProgram('mkfifo', [join(here, `${name}-${end}`)])
  // Without the streams of the runtime, so that its end is seen although the hook goes on.
  const script = `exec >/dev/null 2>&1; echo $$ > ${there}/${name}-reached; read line < ${there}/${name}-release`
  return {
    hook: { path: '/bin/sh', args: ['sh', '-c', script], env: ['PATH=/usr/bin:/bin'] },
    reached: () => Number(scope.runner.runProgram('cat', [join(here, `${name}-reached`)]).stdout),
    whenReached: async () => Number(await readFile(join(here, `${name}-reached`), 'utf8')),
    letGo: () => writeFile(join(here, `${name}-release`), '\n'),
    release: () => void scope.runner.runProgram('tee', [join(here, `${name}-release`)], { input: '\n' }),
  }
}

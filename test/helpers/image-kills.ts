/** Test helper: a command that fills a store of images is killed at random moments, and then ends well. */
import { existsSync, readdirSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import type { Test } from 'tap'
import { busyboxLayer } from './image.js'
import { ended } from './runtime.js'
import type { Scope } from './scope.js'
import { tar } from './tar.js'

const many = (layer: number): Buffer =>
  gzipSync(
    tar(Array.from({ length: 400 }, (_, at) => ({ name: `d${layer}/f${at}`, content: `${layer} ${at}\n`.repeat(50) }))),
  )

/** Of an image that takes a while to unpack. */
export const layersOfMany = (): Buffer[] => [busyboxLayer(), many(1), many(2), many(3)]

/** What is in the store besides places of work. */
const contents = (scope: Scope): string[] =>
  ['blobs/sha256', 'layers/sha256', 'refs'].flatMap((folder) => readdirSync(scope.path(`store/${folder}`)).sort())

const image = (scope: Scope, ...args: string[]): string =>
  scope.runtime(['image', args[0] ?? '', '--image-root', scope.path('store'), ...args.slice(1)]).stdout

/** Runs `tsrun image …`, which makes the image `name` of `layersOfMany`, and kills it in so many rounds. */
export async function assertKillable(
  t: Test,
  scope: Scope,
  { rounds, args, name }: { rounds: number; args: readonly string[]; name: string },
): Promise<void> {
  const [action = '', ...rest] = args
  const command = ['image', action, '--image-root', scope.path('store'), ...rest]
  /** Not synchronously: the registry is in this process. */
  const run = async (limit?: number): Promise<{ signal: string | null; status: number | null }> => {
    const child = scope.runner.spawn(command)
    child.stdout?.resume()
    child.stderr?.resume()
    const timer = limit === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), limit)
    const end = await ended(child)
    clearTimeout(timer)
    return end
  }
  const began = performance.now()
  t.equal((await run()).status, 0)
  const whole = performance.now() - began
  const expected = contents(scope)
  let killed = 0
  for (let round = 0; round < rounds; round++) {
    // Every third begins with nothing; the others with what the one before has left.
    if (round % 3 === 0 && existsSync(scope.path('store/refs'))) {
      image(scope, 'remove', name)
      image(scope, 'gc')
      t.same(contents(scope), [])
    }
    if ((await run(Math.random() * whole)).signal === 'SIGKILL') killed++
    for (const one of contents(scope)) if (!expected.includes(one)) t.fail(`${one} is nothing that ${action} makes`)
  }
  t.comment(`${killed} of ${rounds} were killed before they were done`)
  t.ok(killed > rounds / 4, `${killed} of ${rounds}`)
  t.equal((await run()).status, 0)
  t.same(contents(scope), expected)
  t.match(image(scope, 'gc'), 'removed 0 blobs, 0 layers, 0 bundles')
  t.same(readdirSync(scope.path('store/ingest')), [])
  const script = 'ls /d1 /d2 /d3; cat /d3/f399'
  const at = ['--image-root', scope.path('store'), '--image', name, '--pull', 'never']
  t.match(scope.runtime(['run', ...at, 'sh', '-c', script]).stdout, '3 399\n'.repeat(50))
}

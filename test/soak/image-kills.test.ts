/** An import that is killed at any moment: nothing is broken, and the next one goes on. */
import { existsSync, readdirSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { busyboxLayer, writeLayout } from '../helpers/image.js'
import { ended } from '../helpers/runtime.js'
import type { Scope } from '../helpers/scope.js'
import { tar } from '../helpers/tar.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun', 'overlay')
const kills = Math.min(Number(process.env.ROUNDS ?? 200), 200)

const many = (layer: number): Buffer =>
  gzipSync(
    tar(Array.from({ length: 400 }, (_, at) => ({ name: `d${layer}/f${at}`, content: `${layer} ${at}\n`.repeat(50) }))),
  )

const run = (scope: Scope, ...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  scope.runtime(['image', ...args, '--image-root', scope.path('store')].filter((one) => one !== ''))

/** What is in the store besides places of work. */
const contents = (scope: Scope): string[] =>
  ['blobs/sha256', 'layers/sha256', 'refs'].flatMap((folder) => readdirSync(scope.path(`store/${folder}`)).sort())

test(`an import is killed at ${kills} moments, and is whole after a last one that is not`, async (t, scope) => {
  writeLayout(scope.path('layout'), { layers: [busyboxLayer(), many(1), many(2), many(3)] })
  const importing = ['image', 'import', '--image-root', scope.path('store'), '--name', 'test', scope.path('layout')]
  const began = performance.now()
  t.equal(scope.runtime(importing).status, 0)
  const whole = performance.now() - began
  const expected = contents(scope)
  let killed = 0
  for (let round = 0; round < kills; round++) {
    if (existsSync(scope.path('store/refs'))) {
      // Every third begins with nothing; the others with what the one before has left.
      if (round % 3 === 0) {
        run(scope, 'remove', 'test')
        t.equal(run(scope, 'gc').status, 0)
        t.same(contents(scope), [])
      }
    }
    const child = scope.runner.spawn(importing)
    const timer = setTimeout(() => child.kill('SIGKILL'), Math.random() * whole)
    const { signal } = await ended(child)
    clearTimeout(timer)
    if (signal === 'SIGKILL') killed++
    for (const name of contents(scope)) if (!expected.includes(name)) t.fail(`${name} is nothing that an import makes`)
  }
  t.ok(killed > kills / 4, `${killed} of ${kills} were killed before they were done`)
  t.equal(scope.runtime(importing).status, 0)
  t.same(contents(scope), expected)
  t.match(run(scope, 'gc').stdout, 'removed 0 blobs, 0 layers, 0 bundles')
  t.same(readdirSync(scope.path('store/ingest')), [])
  const script = 'ls /d1 /d2 /d3; cat /d3/f399'
  const { stdout } = scope.runtime(['run', '--image-root', scope.path('store'), '--image', 'test', 'sh', '-c', script])
  t.match(stdout, '3 399\n'.repeat(50))
})

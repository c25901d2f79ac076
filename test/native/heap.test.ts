/** The heap that the executable begins with: never copied without need, never collected, the same for all. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { buildWith } from '../helpers/executable.js'
import { projectRoot } from '../helpers/tools.js'

const skip =
  lstatSync(join(projectRoot, 'dist/tsrun')).isSymbolicLink() && 'needs the engine, which this machine has not'

t.test('of the heap that it begins with, only pages in which values change are copied', { skip }, async (t) => {
  const { copy, refusal } = buildWith(
    t,
    `
    const kinds = Array.from({ length: 5000 }, (_, at) => ({ name: 'kind ' + at, next: { at } }))
    export function prepare() {}
    export function start() {
      const held = kinds.map((kind) => [kind, kind.name, kind.next])
      console.error(String(held.length))
      for (;;);
    }`,
  )
  t.equal(refusal, '')
  const child = spawn(copy, { stdio: ['ignore', 'ignore', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stderr, 'data')
  const heap = /^10000000-[^]*?^Size: +(\d+)[^]*?^Anonymous: +(\d+) kB$/m
  const [, size, copied] = heap.exec(readFileSync(`/proc/${child.pid}/smaps`, 'utf8')) ?? []
  t.ok(Number(size) > 1000, `${size} KiB hold them`)
  t.ok(Number(copied) < 150, `${copied} KiB are copied when all of them are referred to`)
})

t.test('what it begins with stays as it is, what comes later is collected', { skip }, (t) => {
  const { copy, refusal } = buildWith(
    t,
    `
    const first = { text: 'constant', inner: { a: 1 }, held: undefined }
    const map = new WeakMap([[first, 'kept']])
    export function prepare() {}
    export function start() {
      for (let round = 0; round < 500000; round++) {
        const one = { first, text: first.text, shape: { a: 1 } }
        one.shape.back = one
        one.text += round
        first.held = one
      }
      first.inner.b = 2
      const { text, shape } = first.held
      console.error(JSON.stringify([first.text, first.inner, { a: 1 }, text, Object.keys(shape), map.get(first)]))
      process.exit(0)
    }`,
  )
  t.equal(refusal, '')
  // Without collection it would need twice as much.
  const { stderr, status } = spawnSync('bash', ['-c', `ulimit -v 100000; exec ${copy}`], { encoding: 'utf8' })
  t.equal(stderr, '["constant",{"a":1,"b":2},{"a":1},"constant499999",["a","back"],"kept"]\n')
  t.equal(status, 0)
  t.end()
})

t.test('variables are those of the process, whatever they are called', { skip }, (t) => {
  const { copy } = buildWith(
    t,
    `
    export function prepare() {}
    export function start() {
      const { env } = process
      console.error(JSON.stringify([env.A, env.B, env.none, env.__proto__, 'A' in env, Object.keys(env).sort(), { ...env }.A]))
      process.exit(0)
    }`,
  )
  // By env: the runner of the tests adds variables to what Node.js starts.
  const { stderr } = spawnSync('env', ['-i', 'A=1=2', 'B=', '__proto__=own', copy], { encoding: 'utf8' })
  t.equal(stderr, '["1=2","",null,"own",true,["A","B","__proto__"],"1=2"]\n')
  t.end()
})

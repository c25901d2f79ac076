/** 100,000 random documents through load and plan, and 2,000 of them through the whole of create. */
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { documentShape } from '#dist/config/schema/index.js'
import { randomFrom, valueOf } from '../helpers/fuzz.js'
import { fuzzConfig } from '../helpers/fuzz-config.js'
import { testWith } from '../helpers/test.js'

const seed = Number(process.env.SEED ?? Math.floor(Date.now() / 86_400_000) * 1_000_000)

t.test('random documents are loaded and planned, or refused by an error of tsrun', { timeout: 0 }, async (t) => {
  const { refused, unplanned, planned, wrong } = await fuzzConfig(seed, Number(process.env.DOCUMENTS ?? 100_000))
  t.comment(`seed ${seed}: ${refused} refused, ${unplanned} not planned, ${planned} planned`)
  t.same(wrong, [])
})

testWith('tsrun')('a create of a random document works or fails in a line, and leaves nothing', (t, scope) => {
  const { bundle } = scope.container()
  const usual = JSON.parse(JSON.stringify(bundle.config)) as { linux: object }
  for (let one = 0; one < Number(process.env.CREATES ?? 2000); one++) {
    const random = randomFrom(seed + one)
    const {
      linux,
      hooks: _,
      mounts: __,
      process: ___,
      root: ____,
      ...rest
    } = valueOf(documentShape(), random, 2 ** 31) as Record<string, object>
    const { namespaces: _____, cgroupsPath: ______, ...settings } = (linux ?? {}) as Record<string, unknown>
    const some = Object.entries(settings).filter(() => random(3) === 0)
    const config = { ...usual, ...rest, linux: { ...usual.linux, ...Object.fromEntries(some) } }
    writeFileSync(`${bundle.path}/config.json`, JSON.stringify(config))
    const id = scope.newId()
    const { status, stderr } = scope.runtime(['create', '--bundle', bundle.path, id])
    if (status !== 0 && !/^(time=.*\n)*tsrun.*\n$/.test(stderr))
      t.fail(`seed ${seed + one}: status ${status}: ${stderr}`)
    if (/internal error/.test(stderr)) t.fail(`seed ${seed + one}: ${stderr}`)
    const removed = scope.runtime(['delete', '--force', id])
    if (removed.status !== 0) t.fail(`seed ${seed + one}: ${removed.stderr}`)
    if (one % 100 === 0) t.same(scope.leftovers(), [])
  }
  t.pass()
})

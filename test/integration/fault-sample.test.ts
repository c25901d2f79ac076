/** A sample of all the faults that `npm run test:soak` tries: other ones each day, the same for one STEP and FIRST. */
import { commands, configurations } from '../helpers/sweep-commands.js'
import { sweep } from '../helpers/sweep.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun', 'x86-64')

/** One fault of so many. */
const step = Number(process.env.STEP ?? 251)
const first = Number(process.env.FIRST ?? Math.floor(Date.now() / 86_400_000))

for (const [name, configuration] of Object.entries(configurations)) {
  for (const command of Object.keys(commands) as (keyof typeof commands)[]) {
    test(`${command}, ${name}: whatever call fails, the command tells the truth and nothing is left`, async (t, scope) => {
      const { faults, wrong } = await sweep(scope, { command, configuration, step, first })
      t.comment(`${faults} faults`)
      t.same(wrong, [])
    })
  }
}

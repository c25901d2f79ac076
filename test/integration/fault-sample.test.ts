/** A sample of all the faults that `npm run test:soak` tries: other ones each day, the same for one STEP and FIRST. */
import { commands, configurations, sweep } from '../helpers/sweep.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun', 'x86-64')

/** One fault of so many. */
const step = Number(process.env.STEP ?? 251)
const first = Number(process.env.FIRST ?? Math.floor(Date.now() / 86_400_000))

for (const configuration of Object.keys(configurations)) {
  for (const command of Object.keys(commands) as (keyof typeof commands)[]) {
    test(`${command}, ${configuration}: whatever call fails, the command tells the truth and nothing is left`, (t, scope) => {
      const { faults, wrong } = sweep(scope, { command, configuration, step, first })
      t.comment(`${faults} faults`)
      t.same(wrong, [])
    })
  }
}

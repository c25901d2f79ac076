/** Every fault of every command: npm run test:soak. With STEP=N one of N, beginning with FIRST. */
import { commands, configurations } from '../helpers/sweep-commands.js'
import { cleanAfter, sweep } from '../helpers/sweep.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun', 'x86-64')
const step = Number(process.env.STEP ?? 1)
const first = Number(process.env.FIRST ?? 0)

for (const [name, configuration] of Object.entries(configurations)) {
  for (const command of Object.keys(commands) as (keyof typeof commands)[]) {
    test(`${command}, ${name}: whatever call fails, the command tells the truth and nothing is left`, async (t, scope) => {
      const { faults, wrong } = await sweep(scope, { command, configuration, step, first })
      t.comment(`${faults} faults`)
      t.same(wrong, [])
      cleanAfter(scope)
    })
  }
}

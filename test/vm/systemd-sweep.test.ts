/** A sample of faults in commands whose cgroups systemd makes, as integration/fault-sample. In virtual machines where systemd is process 1; see scripts/test-vm.mjs. */
import { commands, systemd } from '../helpers/sweep-commands.js'
import { sweep } from '../helpers/sweep.js'
import { testWith } from '../helpers/test.js'

const test = testWith('systemd', 'tsrun', 'x86-64')

/** One fault of so many. */
const step = Number(process.env.STEP ?? 251)
const first = Number(process.env.FIRST ?? Math.floor(Date.now() / 86_400_000))

for (const command of Object.keys(commands) as (keyof typeof commands)[]) {
  test(`${command}, systemd: whatever call fails, the command tells the truth and nothing is left`, async (t, scope) => {
    const { faults, wrong } = await sweep(scope, { command, configuration: systemd, step, first })
    t.comment(`${faults} faults`)
    t.same(wrong, [])
  })
}

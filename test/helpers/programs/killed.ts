/** A program that makes two containers, one of them with `killOnExit`, and kills itself. usage: ROOT BUNDLE ID ID */
import { writeSync } from 'node:fs'
import { Runtime } from 'tsrun'

const [root = '', bundle = '', ...ids] = process.argv.slice(2)
const runtime = new Runtime({ root })
for (const [place, id] of ids.entries()) {
  const container = await runtime.create(id, { bundle, stdio: 'ignore', killOnExit: place === 0 })
  await container.start()
  writeSync(1, `${(await container.state()).pid}\n`)
}
process.kill(process.pid, 'SIGKILL')

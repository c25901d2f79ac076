/** A program that runs another one in a sandbox with `killOnExit`, and kills itself when that one writes. usage: ROOT ID */
import { run, Runtime } from 'tsrun'

const [root = '', id = ''] = process.argv.slice(2)
await run({
  ...{ rootfs: 'host', args: ['sh', '-c', 'echo; sleep 1000'], runtime: new Runtime({ root }), id, killOnExit: true },
  onOutput: () => process.kill(process.pid, 'SIGKILL'),
})

/**
 * The whole life of many containers in one process of the library, every second one without anybody who waits for its end:
 * descriptors, threads, zombies and memory stay what they were. CYCLES: how many (default 200).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { Runtime } from 'tsrun'
import { testWith } from '../helpers/test.js'

const cycles = Number(process.env.CYCLES ?? 200)
/** Bytes: what the engine keeps for itself. */
const slack = 48 << 20

interface Look {
  readonly fds: number
  readonly threads: number
  readonly zombies: number
  readonly rss: number
}

function look(): Look {
  const children = readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  )
  const [fds, threads] = ['fd', 'task'].map((name) => readdirSync(`/proc/self/${name}`).length)
  return { fds: fds ?? 0, threads: threads ?? 0, zombies: children.length, rss: process.memoryUsage().rss }
}

testWith('tsrun')(
  'many containers in one process leave no descriptor, thread, zombie or memory, waited for or not',
  async (t, scope) => {
    const runtime = new Runtime({ root: scope.root })
    const { path } = scope.bundle((config) => (config.process.args = ['/bin/true']))
    const id = scope.newId()
    const cycle = async (waited: boolean): Promise<void> => {
      const container = await runtime.create(id, { bundle: path, stdio: 'ignore' })
      await container.start()
      if (waited) await container.wait()
      await container.delete({ force: true })
    }
    const some = async (count: number): Promise<void> => {
      for (let one = 0; one < count; one++) await cycle(one % 2 === 0)
    }
    const tell = ({ fds, threads, zombies, rss }: Look): string =>
      `${fds} fds, ${threads} threads, ${zombies} children, ${Math.round(rss / 2 ** 20)} MiB`
    await some(Math.max(20, Math.round(cycles / 10)))
    const before = look()
    t.comment(`warm: ${tell(before)}`)
    for (let part = 1; part <= 4; part++) {
      await some(Math.round(cycles / 4))
      t.comment(`${part * Math.round(cycles / 4)} cycles: ${tell(look())}`)
    }
    const after = look()
    t.same({ ...after, rss: 0 }, { ...before, rss: 0 })
    t.ok(after.rss < before.rss + slack, `${before.rss} bytes, then ${after.rss}`)
  },
)

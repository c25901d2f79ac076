/** A daemon that uses the library for long: descriptors and threads must not become more with each container. */
import { readdirSync, readlinkSync } from 'node:fs'
import t from 'tap'
import { Runtime } from 'tsrun'
import { Scope } from '../helpers/scope.js'

const isRoot = process.getuid?.() === 0

/** What each open descriptor leads to, by number. */
function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`).replace(/\[\d+\]/, '')}`]
    } catch {
      return [] // the one that lists the directory
    }
  })
}

const threads = (): number => readdirSync('/proc/self/task').length

t.test(
  'fifty containers leave no descriptor, no thread and no child',
  { skip: isRoot ? false : 'needs root' },
  async (t) => {
    const scope = new Scope()
    t.teardown(() => scope.close())
    const runtime = new Runtime({ root: scope.root })
    const { path } = scope.bundle((config) => {
      config.process.args = ['/bin/true']
    })
    const broken = scope.bundle((config) => {
      config.process.args = ['/missing']
    })
    const cycle = async (): Promise<void> => {
      const container = await runtime.create(scope.newId(), { bundle: path })
      await container.start()
      t.match(await container.wait(), { code: 0, signal: null })
      await runtime.list()
      await container.delete()
      await t.rejects(runtime.create(scope.newId(), { bundle: broken.path }))
    }
    // What is made once, at the first use, is no leak.
    await cycle()
    const before = { descriptors: descriptors(), threads: threads() }
    for (let round = 0; round < 50; round++) await cycle()
    t.same({ descriptors: descriptors(), threads: threads() }, before)
    t.same(scope.close(), [])
  },
)

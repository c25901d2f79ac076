/** The library: checkpoint and restore. */
import { text } from 'node:stream/consumers'
import { Runtime } from 'tsrun'
import { criuPath } from '../helpers/requires.js'
import { test } from '../helpers/test.js'

const needs = ['tsrun', 'criu'] as const

test(
  'a container goes on from its files with new streams, and its end is learned',
  async (t, scope) => {
    process.env.PATH = criuPath()
    const { path: bundle } = scope.bundle((config) => {
      config.process.args = ['/bin/sh', '-c', 'read line; echo "got $line"; exit 5']
    })
    const runtime = new Runtime({ root: scope.root })
    const first = await runtime.create(scope.newId(), { bundle, stdio: 'pipe' })
    await first.start()
    const imagePath = scope.path('images')
    await first.checkpoint({ imagePath, leaveRunning: true, manageCgroupsMode: 'soft' })
    t.equal((await first.state()).status, 'running')
    await first.checkpoint({ imagePath })
    await t.rejects(first.state(), { code: 'ERR_TSRUN_NOT_FOUND' })
    await using second = await runtime.restore(scope.newId(), { bundle, imagePath, stdio: 'pipe' })
    t.equal((await second.state()).status, 'running')
    second.stdin?.end('it\n')
    t.equal(second.stdout && (await text(second.stdout)), 'got it\n')
    t.match(await second.wait(), { code: 5 })
  },
  { needs },
)

test(
  'options are checked, and the errors have a class of their own',
  async (t, scope) => {
    process.env.PATH = criuPath()
    const { path: bundle } = scope.bundle((config) => void (config.process.args = ['/probe', 'wait']))
    const runtime = new Runtime({ root: scope.root })
    await using container = await runtime.create(scope.newId(), { bundle })
    const imagePath = scope.path('images')
    await t.rejects(container.checkpoint({ imagePath, leaveRuning: true } as never), {
      code: 'ERR_TSRUN_USAGE',
      message: /invalid options of checkpoint: .*leaveRuning.*leaveRunning/,
    })
    await t.rejects(container.checkpoint({ imagePath, manageCgroupsMode: 'x' }), { code: 'ERR_TSRUN_USAGE' })
    await t.rejects(container.checkpoint({ imagePath }), { code: 'ERR_TSRUN_STATUS', operation: 'checkpoint' })
    await t.rejects(runtime.restore('other', { bundle, imagePath }), {
      code: 'ERR_TSRUN_USAGE',
      message: /no checkpoint/,
    })
    await t.rejects(runtime.restore('other', { bundle } as never), { code: 'ERR_TSRUN_USAGE', message: /imagePath/ })
    await container.start()
    // Its streams are those of this process.
    await t.rejects(container.checkpoint({ imagePath }), { code: 'ERR_TSRUN_CRIU', logFile: /dump\.log$/ })
  },
  { needs },
)

/** The library: whatever is given to a public method, what it throws is a TsrunError. */
import { inspect } from 'node:util'
import { defaultConfig, images, isTsrunError, run, Runtime, type Config } from 'tsrun'
import { test } from '../helpers/test.js'

/** What no program in TypeScript may pass; `undefined` only where something is required. */
const inputs: readonly unknown[] = [
  ...[null, 7, Number.NaN, -1, '', 'x', '../x', true, Symbol('x'), [], [null], () => 1, new Date(0)],
  ...[{ nonsense: 1 }, { signal: 7 }, { bundle: 7 }, { args: [7] }, { args: 'x' }, { process: 7 }, { stdio: 'nobody' }],
]

test(
  'what public methods throw for bad input is a TsrunError, at once or in their promise',
  async (t, scope) => {
    const runtime = new Runtime({ root: scope.root })
    const { path } = scope.bundle((config) => (config.process.args = ['/bin/sleep', '1000']))
    const container = await runtime.create(scope.newId(), { bundle: path, stdio: 'ignore' })
    await container.start()
    const added = await container.exec({ args: ['/bin/sleep', '1000'], stdio: 'ignore' })
    const calls: Record<string, (given: never) => unknown> = {
      'new Runtime': (given) => new Runtime(given),
      'runtime.create': (given) => runtime.create(scope.newId(), given),
      'runtime.create, id': (given) => runtime.create(given, { bundle: '/nowhere' }),
      'runtime.run': (given) => runtime.run(scope.newId(), given),
      'runtime.run, id': (given) => runtime.run(given, { bundle: '/nowhere' }),
      'runtime.restore': (given) => runtime.restore(scope.newId(), given),
      'runtime.restore, id': (given) => runtime.restore(given, { bundle: '/nowhere', imagePath: '/nowhere' }),
      'runtime.get': (given) => runtime.get(given),
      'runtime.delete': (given) => runtime.delete(scope.newId(), given),
      'runtime.delete, id': (given) => runtime.delete(given),
      'runtime.plan': (given) => runtime.plan(given),
      'container.start': (given) => container.start(given),
      'container.kill': (given) => container.kill(0, given),
      'container.kill, signal': (given) => container.kill(given === 7 || given === '' ? 99 : given),
      'container.checkpoint': (given) => container.checkpoint(given),
      'container.delete': (given) => container.delete(given),
      'container.events': (given) => container.events(given).next(),
      'container.update': (given) => container.update(given),
      'container.update, intelRdt': (given) => container.update({}, given),
      'container.addMounts': (given) => container.addMounts(given),
      'container.removeMounts': (given) => container.removeMounts(given),
      'container.exec': (given) => container.exec(given),
      'container.wait': (given) => container.wait({ signal: given }),
      'exec.kill': (given) => added.kill(given === 7 || given === '' ? 99 : given),
      'exec.wait': (given) => added.wait({ signal: given }),
      'exec.output': (given) => added.output({ maxBuffer: given, signal: given }),
      run: (given) => run(given),
      defaultConfig: (given) => defaultConfig(given),
      'images.list': (given) => images.list(given),
      'images.pull': (given) => images.pull(given, { root: scope.path('images') }),
      'images.import': (given) => images.import(given, { root: scope.path('images') }),
    }
    /** These wait for something, with what stands for no options. */
    const waits = ['container.events', 'container.wait', 'exec.wait', 'exec.output']
    const found: string[] = []
    for (const [name, call] of Object.entries(calls)) {
      for (const given of inputs) {
        if (waits.includes(name) && (given === null || given instanceof Date)) continue
        try {
          await call(given as never)
        } catch (error) {
          if (!isTsrunError(error)) found.push(`${name}(${inspect(given)}): ${String(error)}`)
        }
      }
    }
    t.same(found, [])
    added.kill('KILL')
    await added.wait()
    await runtime.delete(container.id, { force: true })
  },
  { needs: ['tsrun'] },
)

test(
  'a config is what it is now: one changed since the last create counts as changed, and one that is no plain data is refused',
  async (t, scope) => {
    const runtime = new Runtime({ root: scope.root })
    const { path } = scope.bundle()
    const config = defaultConfig({ rootfs: `${path}/rootfs`, args: ['/bin/true'] })
    const circle: Record<string, unknown> = { ...config }
    circle.annotations = circle
    for (const wrong of [{ ...config, hostname: () => 'x' }, { ...config, hostname: Symbol('x') }, circle]) {
      const refused = runtime.create(scope.newId(), { bundle: path, config: wrong as unknown as Config })
      await t.rejects(refused, { code: 'ERR_TSRUN_USAGE' })
    }
    for (const status of [3, 4]) {
      const args = ['/bin/sh', '-c', `exit ${status}`]
      Object.assign(config.process, { args })
      const container = await runtime.create(scope.newId(), { bundle: path, config, stdio: 'ignore' })
      await container.start()
      t.equal((await container.wait()).code, status)
      await container.delete()
    }
  },
  { needs: ['tsrun'] },
)

test(
  'a member of a map is never left out for its name',
  async (t, scope) => {
    const env = JSON.parse('{ "__proto__": "x" }') as Record<string, string>
    const refused = { code: 'ERR_TSRUN_USAGE', message: /: env\.__proto__: no member may have this name$/ }
    t.throws(() => defaultConfig({ rootfs: 'host', args: ['true'], env }), refused)
    const runtime = new Runtime({ root: scope.root })
    await t.rejects(run({ rootfs: 'host', args: ['true'], env, runtime, id: scope.newId() }), refused)
    t.same(scope.leftovers(), [])
  },
  { needs: ['tsrun'] },
)

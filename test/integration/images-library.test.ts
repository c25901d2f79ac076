/** Images in the library: the same store as the command line's, and programs in them by `run`. */
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { images, run } from '#dist/index.js'
import { busyboxLayer, writeLayout } from '../helpers/image.js'
import { FakeRegistry } from '../helpers/registry.js'
import { tar } from '../helpers/tar.js'
import { testWith } from '../helpers/test.js'

const noise = gzipSync(tar([{ name: 'x', content: randomBytes(24 << 20) }]), { level: 0 })

const test = testWith('tsrun', 'overlay')

test('images are imported, inspected, exported, run and removed', async (t, scope) => {
  const root = scope.path('store')
  const digest = writeLayout(scope.path('layout'), { layers: [busyboxLayer()], config: { Env: ['A=1', 'B=2'] } })
  t.same(await images.import(scope.path('layout'), { root, name: 'test' }), [
    { digest, name: 'docker.io/library/test:latest' },
  ])
  t.match(await images.list({ root }), [{ digest, name: 'docker.io/library/test:latest', platform: 'linux/amd64' }])
  t.match(await images.inspect('test', { root }), { digest, config: { config: { Env: ['A=1', 'B=2'] } } })
  await images.export('test', scope.path('archive'), { root })
  t.match(await images.import(scope.path('archive'), { root: scope.path('other') }), [{ digest }])
  const args = ['sh', '-c', 'cat /etc/os-release; echo $A $B']
  const { stdout, exit } = await run({ image: 'test', imageRoot: root, args, env: { B: '3' } })
  t.same([stdout, exit.code], ['NAME=test\n1 3\n', 0])
  t.same(readdirSync(`${root}/run`), [])
  const bundle = await images.bundle('test', scope.path('bundle'), { root, args: ['sh'] })
  t.equal(bundle, scope.path('bundle'))
  await images.deleteBundle(bundle)
  t.same(await images.remove('test', { root }), ['docker.io/library/test:latest'])
  await images.gc({ root })
  t.same(readdirSync(`${root}/blobs/sha256`), [])
  await t.rejects(images.inspect('test', { root }), { code: 'ERR_TSRUN_IMAGE', message: /there is no image "test"/ })
  await t.rejects(images.pull('127.0.0.1:1/x', { root }), { code: 'ERR_TSRUN_IMAGE', message: /cannot reach/ })
})

test('an AbortSignal ends a pull and an import with its reason; the next ones go on', async (t, scope) => {
  const root = scope.path('store')
  writeLayout(scope.path('layout'), { layers: [busyboxLayer(), noise] })
  const server = await FakeRegistry.listen({ folder: scope.path('layout'), pause: 200 })
  scope.defer(() => server.close())
  const name = `${server.host}/test`
  const aborted = async (work: (signal: AbortSignal) => Promise<unknown>): Promise<void> => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const timer = setTimeout(() => controller.abort(reason), 500)
    await t.rejects(work(controller.signal), reason)
    clearTimeout(timer)
    await t.rejects(work(AbortSignal.abort(reason)), reason)
  }
  await aborted((signal) => images.pull(name, { root, insecure: true, signal }))
  t.same(await images.list({ root }), [])
  await aborted(async (signal) => {
    for (;;) {
      await images.import(scope.path('layout'), { root, name: 'own', signal })
      await images.remove('own', { root })
      await images.gc({ root })
    }
  })
  await images.import(scope.path('layout'), { root, name: 'own' })
  await images.pull(name, { root, insecure: true })
  t.same(
    (await images.list({ root })).map((one) => one.name),
    [`${server.host}/test:latest`, 'docker.io/library/own:latest'],
  )
})

test('options and arguments that images have not are refused by name', async (t, scope) => {
  const root = scope.path('store')
  const wrong = (options: object): never => options as never
  const refused = (work: Promise<unknown>, message: RegExp): Promise<unknown> =>
    t.rejects(work, { code: 'ERR_TSRUN_USAGE', message })
  await refused(
    images.pull('x', wrong({ root, insecur: true })),
    /images\.pull: unknown member "insecur"; did you mean "insecure"\?/,
  )
  await refused(images.import('x', wrong({ root, platform: 1 })), /images\.import: platform/)
  await refused(images.list(wrong({ rot: root })), /images\.list: unknown member "rot"; did you mean "root"\?/)
  await refused(images.list(wrong({ root, signal: true })), /images\.list: signal/)
  await refused(images.bundle('x', scope.path('b'), wrong({ root, args: 'sh' })), /images\.bundle: args/)
  await refused(images.gc(wrong({ root, force: true })), /images\.gc: unknown member "force"/)
  await refused(images.inspect(wrong({ root })), /images\.inspect takes texts/)
  await refused(images.export('x', ''), /images\.export takes texts that are not empty/)
  await refused(images.deleteBundle(wrong({})), /images\.deleteBundle takes texts/)
})

/** Images from a registry on 127.0.0.1: what it may ask for, and what may go wrong with it. */
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { busyboxLayer, writeLayout } from '../helpers/image.js'
import { FakeRegistry, runBesideRegistry as tsrun, type RegistryOptions } from '../helpers/registry.js'
import type { Scope } from '../helpers/scope.js'
import { tar } from '../helpers/tar.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun', 'overlay')
const noise = Buffer.from(Array.from({ length: 1 << 20 }, (_, at) => (at * 7919) >> 5))
const layers = (): Buffer[] => [busyboxLayer(), gzipSync(tar([{ name: 'noise', content: noise }]), { level: 0 })]

/** A registry with an image of two layers, and its digest. */
async function registry(scope: Scope, options: Omit<RegistryOptions, 'folder'> = {}): Promise<[FakeRegistry, string]> {
  const digest = writeLayout(scope.path('layout'), { layers: layers() })
  const server = await FakeRegistry.listen({ folder: scope.path('layout'), ...options })
  scope.defer(() => server.close())
  return [server, digest]
}

const pull = (scope: Scope, host: string, env?: Readonly<Record<string, string>>): ReturnType<typeof tsrun> =>
  tsrun(scope, ['image', 'pull', '--insecure', '--image-root', scope.path('store'), `${host}/test`], env)

test('an image is pulled when it is run, and not a second time', async (t, scope) => {
  const [server] = await registry(scope)
  const run = ['run', '--insecure', '--image-root', scope.path('store'), '--image', `${server.host}/test`]
  t.same(await tsrun(scope, [...run, 'cat', '/etc/os-release']), { status: 0, stdout: 'NAME=test\n', stderr: '' })
  t.equal(server.blobs.length, 3)
  server.close()
  t.equal((await tsrun(scope, [...run, 'ls', '/noise'])).stdout, '/noise\n')
})

test('sixteen pulls at once download each blob once', async (t, scope) => {
  const [server, digest] = await registry(scope)
  const results = await Promise.all(Array.from({ length: 16 }, () => pull(scope, server.host)))
  for (const result of results)
    t.same(result, { status: 0, stdout: `${digest} ${server.host}/test:latest\n`, stderr: '' })
  t.equal(server.blobs.length, 3)
  t.same(readdirSync(scope.path('store/ingest')), [])
})

test('a connection that ends too early is gone on with, and what has come stays for the next pull', async (t, scope) => {
  const [server, digest] = await registry(scope, { cutAfter: 100_000 })
  const { status, stdout } = await pull(scope, server.host)
  t.same([status, stdout], [0, `${digest} ${server.host}/test:latest\n`])
  t.equal(server.blobs.filter((one) => one.endsWith(' bytes=100000-')).length, 2)
})

for (const by of ['token', 'basic'] as const) {
  test(`a registry that asks for a password by ${by} gets that of docker login, or of a credential helper`, async (t, scope) => {
    const [server] = await registry(scope, { password: { by, text: 'user:se:cret' } })
    t.match((await pull(scope, server.host)).stderr, by === 'basic' ? 'give them by docker login' : 'HTTP status 401')
    mkdirSync(scope.path('.docker'))
    const write = (config: object): void => writeFileSync(scope.path('.docker/config.json'), JSON.stringify(config))
    write({ auths: { [server.host]: { auth: Buffer.from('user:se:cret').toString('base64') } } })
    t.equal((await pull(scope, server.host)).status, 0)
    write({ credHelpers: { [server.host]: 'test' } })
    const helper = `#!/bin/sh\nread -r server; [ "$server" = ${server.host} ] && echo '{"Username":"user","Secret":"se:cret"}'\n`
    mkdirSync(scope.path('programs'))
    writeFileSync(scope.path('programs/docker-credential-test'), helper)
    chmodSync(scope.path('programs/docker-credential-test'), 0o755)
    const env = { PATH: `${scope.path('programs')}:${process.env.PATH ?? ''}` }
    t.equal((await pull(scope, server.host, env)).status, 0)
    write({ credHelpers: { [server.host]: 'missing' } })
    t.match((await pull(scope, server.host)).stderr, 'docker-credential-missing')
  })
}

test('a blob that is not what it should be is refused, and downloaded anew', async (t, scope) => {
  let wrong = true
  const change = (content: Buffer): Buffer =>
    wrong && content.length > 500_000 ? Buffer.from(content).fill('x', 0, 10) : content
  const [server] = await registry(scope, { change })
  const { status, stderr } = await pull(scope, server.host)
  t.equal(status, 1)
  t.match(stderr, 'is not what it should be: it has the digest sha256:')
  t.same(readdirSync(scope.path('store/refs')), [])
  wrong = false
  t.equal((await pull(scope, server.host)).status, 0)
})

test('a registry is asked without TLS only on this machine, and only when that is said', async (t, scope) => {
  const [server] = await registry(scope)
  const at = ['image', 'pull', '--image-root', scope.path('store')]
  t.match((await tsrun(scope, [...at, `${server.host}/test`])).stderr, `cannot reach https://${server.host}`)
  t.match(
    (await tsrun(scope, [...at, '--insecure', 'example.org/a'])).stderr,
    '--insecure is for registries of this machine',
  )
  t.match((await pull(scope, server.host.replace('/test', '/other'))).stdout, 'sha256:')
})

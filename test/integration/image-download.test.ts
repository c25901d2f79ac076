/** How an image comes: which of an index, by which proxy, and by which program. */
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { busyboxLayer, digestOf, writeLayout } from '../helpers/image.js'
import { FakeRegistry, runBesideRegistry as tsrun } from '../helpers/registry.js'
import type { Result } from '../helpers/runtime.js'
import { tar } from '../helpers/tar.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun', 'overlay')

test('of an index the image for this machine is pulled, or that of --platform', async (t, scope) => {
  const folder = scope.path('layout')
  const entry = (text: string, architecture: string): object => {
    writeLayout(folder, { layers: [busyboxLayer(), tar([{ name: 'text', content: text }])] })
    const { manifests } = JSON.parse(readFileSync(`${folder}/index.json`, 'utf8')) as { manifests: object[] }
    return { ...manifests[0], platform: { os: 'linux', architecture } }
  }
  const here = process.arch === 'arm64' ? 'arm64' : 'amd64'
  const inner = JSON.stringify({
    schemaVersion: 2,
    manifests: [
      entry('other', 's390x'),
      entry('own', here),
      { ...entry('attestation', 'unknown'), platform: { os: 'unknown', architecture: 'unknown' } },
    ],
  })
  writeFileSync(`${folder}/blobs/${digestOf(inner).replace(':', '/')}`, inner)
  const type = 'application/vnd.oci.image.index.v1+json'
  const outer = { mediaType: type, digest: digestOf(inner), size: inner.length }
  writeFileSync(`${folder}/index.json`, JSON.stringify({ schemaVersion: 2, manifests: [outer] }))
  const server = await FakeRegistry.listen({ folder })
  scope.defer(() => server.close())
  const at = ['--insecure', '--image-root', scope.path('store')]
  const name = `${server.host}/test`
  t.equal((await tsrun(scope, ['run', ...at, '--image', name, 'cat', '/text'])).stdout, 'own')
  t.equal((await tsrun(scope, ['image', 'pull', ...at, '--platform', 'linux/s390x', name])).status, 0)
  t.equal((await tsrun(scope, ['run', ...at, '--image', name, 'cat', '/text'])).stdout, 'other')
  t.match(
    (await tsrun(scope, ['image', 'pull', ...at, '--platform', 'linux/riscv64', name])).stderr,
    `has no image for linux/riscv64, only for linux/s390x, linux/${here}`,
  )
})

test('the proxy of HTTPS_PROXY is asked, unless NO_PROXY names the registry', async (t, scope) => {
  writeLayout(scope.path('layout'), { layers: [busyboxLayer()] })
  const subject = ['-subj', '/CN=registry.test', '-addext', 'subjectAltName=DNS:registry.test']
  const files = ['-keyout', scope.path('key'), '-out', scope.path('cert')]
  const made = scope.runner.runProgram('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    ...files,
    ...subject,
  ])
  t.equal(made.status, 0)
  const tls = { key: readFileSync(scope.path('key')), cert: readFileSync(scope.path('cert')) }
  const server = await FakeRegistry.listen({ folder: scope.path('layout'), tls })
  const asked: string[] = []
  const proxy = createServer((_, response) => void response.writeHead(405).end())
  proxy.on('connect', (request: IncomingMessage, socket: Duplex) => {
    asked.push(`${request.url ?? ''} ${request.headers['proxy-authorization'] ?? ''}`)
    if (request.headers['proxy-authorization'] === undefined) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
      return
    }
    const to = connect(Number(server.host.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      to.pipe(socket).pipe(to)
    })
    for (const end of [to, socket]) end.on('error', () => [to, socket].forEach((one) => one.destroy()))
  })
  await new Promise<void>((resolve) => void proxy.listen(0, '127.0.0.1', resolve))
  scope.defer(() => {
    server.close()
    proxy.closeAllConnections()
    proxy.close()
  })
  const port = (proxy.address() as AddressInfo).port
  const pullBy = (env: Readonly<Record<string, string>>): ReturnType<typeof tsrun> =>
    tsrun(scope, ['image', 'pull', '--image-root', scope.path('store'), 'registry.test/test'], {
      NODE_EXTRA_CA_CERTS: scope.path('cert'),
      ...env,
    })
  const by = `user:pass@127.0.0.1:${port}`
  t.match(
    (await pullBy({ HTTPS_PROXY: `http://127.0.0.1:${port}` })).stderr,
    `by the proxy 127.0.0.1:${port}: it answers with HTTP status 407`,
  )
  t.match(await pullBy({ HTTPS_PROXY: `http://${by}` }), {
    status: 0,
    stdout: /registry\.test\/test:latest\n$/,
    stderr: '',
  })
  t.ok(
    asked.length > 1 && asked.slice(1).every((one) => one === `registry.test:443 Basic ${btoa('user:pass')}`),
    asked.join(),
  )
  asked.length = 0
  t.match(
    (await pullBy({ https_proxy: by, NO_PROXY: 'example.org,.test' })).stderr,
    'cannot reach https://registry.test:',
  )
  t.match(
    (await pullBy({ HTTPS_PROXY: 'socks5://127.0.0.1:1' })).stderr,
    'tsrun takes proxies of the form http://HOST:PORT',
  )
  t.same(asked, [])
})

test('without Node.js a pull says what is missing, and what else can be done', async (t, scope) => {
  const hidden =
    'for one in /usr/local/bin /usr/bin /bin; do [ ! -e $one/node ] || mount --bind /dev/null $one/node; done; exec "$@"'
  const command = scope.runner.commandLine(['image', 'pull', '--image-root', scope.path('store'), 'example.org/x'])
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }
  const args = ['-m', '/bin/sh', '-c', hidden, 'sh', ...command]
  const { status, stderr } = scope.runner.runProgram('unshare', args, { env })
  t.equal(status, 1)
  t.match(
    stderr,
    'to pull an image takes Node.js 20 or later, which is not installed: install it, or get it by other means (skopeo',
  )
  t.equal(stderr.trimEnd().split('\n').length, 1)
})

test('a downloader that others may write is not run', async (t, scope) => {
  const [program] = scope.runner.commandLine([])
  mkdirSync(scope.path('package/dist/package/download'), { recursive: true })
  copyFileSync(program, scope.path('package/tsrun'))
  const main = scope.path('package/dist/package/download/main.js')
  writeFileSync(main, "require('fs').writeFileSync(process.argv[2] + '-run', '')")
  const pullIt = (): Result =>
    scope.runner.runProgram(scope.path('package/tsrun'), [
      'image',
      'pull',
      '--image-root',
      scope.path('store'),
      'example.org/x',
    ])
  chmodSync(main, 0o666)
  t.match(pullIt().stderr, `others than its owner may write "${main}": it is not run`)
  chmodSync(main, 0o644)
  chmodSync(scope.path('package/dist/package/download'), 0o777)
  t.match(pullIt().stderr, 'others than its owner may write')
  chmodSync(scope.path('package/dist/package/download'), 0o755)
  chownSync(main, 12345, 12345)
  t.match(pullIt().stderr, 'others than its owner may write')
  t.notOk(existsSync(scope.path('store-run')))
})

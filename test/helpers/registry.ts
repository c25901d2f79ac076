/** Test helper: a registry on 127.0.0.1 that serves one OCI layout, and fails or asks for passwords as a test wants it. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Scope } from './scope.js'

/** What a registry is to do. */
export interface RegistryOptions {
  /** Of the layout that it serves. */
  readonly folder: string
  /** `NAME:PASSWORD`: by a token, or by the password itself. */
  readonly password?: { readonly by: 'token' | 'basic'; readonly text: string }
  /** Bytes after which the connection of a blob ends, once for each. */
  readonly cutAfter?: number
  /** Milliseconds between two pieces of a blob, each a tenth of it. */
  readonly pause?: number
  /** By TLS. */
  readonly tls?: { readonly key: Buffer; readonly cert: Buffer }
  /** Edits a blob. */
  readonly change?: (content: Buffer) => Buffer
}

/** A registry and what it has been asked for. */
export class FakeRegistry {
  /** Paths of blobs, each as often as it was asked for, with the range. */
  readonly blobs: string[] = []
  readonly #options: RegistryOptions
  readonly #server: Server
  readonly #cut = new Set<string>()

  private constructor(options: RegistryOptions) {
    this.#options = options
    const serve = (request: IncomingMessage, response: ServerResponse): void => this.#serve(request, response)
    this.#server = options.tls === undefined ? createServer(serve) : createTlsServer(options.tls, serve)
  }

  static async listen(options: RegistryOptions): Promise<FakeRegistry> {
    const registry = new FakeRegistry(options)
    await new Promise<void>((resolve) => void registry.#server.listen(0, '127.0.0.1', resolve))
    return registry
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? ''
    const { password } = this.#options
    const basic = `Basic ${Buffer.from(password?.text ?? '').toString('base64')}`
    const { authorization } = request.headers
    if (path.startsWith('/token')) {
      if (authorization === basic) response.end('{"token":"the-token"}')
      else response.writeHead(401).end()
      return
    }
    if (password !== undefined && authorization !== (password.by === 'token' ? 'Bearer the-token' : basic)) {
      const challenge =
        password.by === 'basic' ? 'Basic realm="test"' : `Bearer realm="http://${this.host}/token",service="test"`
      return void response.writeHead(401, { 'www-authenticate': challenge }).end()
    }
    const [, kind = '', name = ''] = /^\/v2\/test\/(manifests|blobs)\/(.+)$/.exec(path) ?? []
    if (kind === 'blobs') this.#blob(name, request, response)
    else if (kind === 'manifests') this.#manifest(name, response)
    else response.writeHead(404).end('{"errors":[{"code":"NAME_UNKNOWN","message":"no such repository"}]}')
  }

  #read(digest: string): Buffer | undefined {
    const path = join(this.#options.folder, 'blobs', digest.replace(':', '/'))
    return existsSync(path) ? readFileSync(path) : undefined
  }

  #manifest(name: string, response: ServerResponse): void {
    const index = readFileSync(join(this.#options.folder, 'index.json'))
    const content = name === 'latest' ? index : this.#read(name)
    if (content === undefined) return void response.writeHead(404).end()
    const type = content.includes('"manifests":') ? 'index' : 'manifest'
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`
    response.writeHead(200, {
      'content-type': `application/vnd.oci.image.${type}.v1+json`,
      'docker-content-digest': digest,
    })
    response.end(content)
  }

  #blob(digest: string, request: IncomingMessage, response: ServerResponse): void {
    const { cutAfter, pause, change = (same: Buffer) => same } = this.#options
    const found = this.#read(digest)
    const { range = '' } = request.headers
    this.blobs.push(`${digest} ${range}`.trim())
    if (found === undefined) return void response.writeHead(404).end()
    const content = change(found)
    const from = Number(/^bytes=(\d+)-$/.exec(range)?.[1] ?? 0)
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': content.length - from })
    if (pause !== undefined) return void sendSlowly(response, content.subarray(from), pause)
    if (cutAfter === undefined || this.#cut.has(digest) || content.length <= cutAfter)
      return void response.end(content.subarray(from))
    this.#cut.add(digest)
    response.write(content.subarray(from, from + cutAfter), () => response.destroy())
  }
}

async function sendSlowly(response: ServerResponse, content: Buffer, pause: number): Promise<void> {
  const size = Math.ceil(content.length / 10)
  for (let at = 0; at < content.length && !response.destroyed; at += size) {
    response.write(content.subarray(at, at + size))
    await setTimeout(pause)
  }
  response.end()
}

/** Runs the runtime while a registry of this process answers it. */
export async function runBesideRegistry(
  scope: Scope,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const child = scope.runner.spawn(args, { env: { PATH: process.env.PATH ?? '', HOME: scope.folder, ...env } })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text: string) => (output[name] += text))
  child.stdin?.end()
  // Not its exit, after which there may be output to come.
  const [status] = (await once(child, 'close')) as [number | null]
  return { status, ...output }
}

/** Download: HTTP requests by Node.js's own client: redirects, and the proxy that the environment names. */
import { type IncomingMessage, request as httpRequest } from 'node:http'
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import { BlockList, isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { ImageError } from '../errors.js'

/** What is asked for. */
export interface Request {
  readonly headers: Readonly<Record<string, string>>
  /** Makes it a POST. */
  readonly body?: URLSearchParams
}

/** What a server answers; its body must be read or destroyed. */
export interface Answer {
  readonly url: string
  readonly status: number
  readonly body: IncomingMessage
  /** A header by its name in lower case; empty where there is none. */
  header(name: string): string
}

/** As many as fetch(1) follows. */
const redirects = 20
/** Milliseconds without a byte from the server. */
const patience = 60_000

/** The answer, after redirections. @throws ImageError that names who cannot be reached, and why */
export async function send(url: string, request: Request): Promise<Answer> {
  let [at, { headers }] = [new URL(url), request]
  for (let count = 0; count < redirects; count++) {
    const answer = await sendOnce(at, { ...request, headers })
    const location = answer.header('location')
    if (![301, 302, 303, 307, 308].includes(answer.status) || location === '') return answer
    answer.body.destroy()
    const next = new URL(location, at)
    if (next.protocol === 'http:' && at.protocol !== 'http:')
      throw new ImageError(`${at.origin} sends to ${next.origin}, which is not safe`)
    // What is for one server is for no other: a blob may lie with somebody else.
    if (next.origin !== at.origin) {
      const { authorization: _, ...others } = headers
      headers = others
    }
    at = next
  }
  throw new ImageError(`${url} sends from one place to another without end`)
}

function sendOnce(url: URL, { headers, body }: Request): Promise<Answer> {
  const secure = url.protocol === 'https:'
  const proxy = secure ? proxyFor(url, process.env) : undefined
  const type = body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }
  const options: RequestOptions = {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'user-agent': 'tsrun', ...headers, ...type },
    timeout: patience,
    ...(proxy === undefined ? {} : { agent: new TunnelAgent(proxy) }),
  }
  return new Promise((resolve, reject) => {
    const by = proxy === undefined ? '' : ` by the proxy ${proxy.host}`
    const fail = (cause: Error): void => reject(new ImageError(`cannot reach ${url.origin}${by}`, { cause }))
    const request = (secure ? httpsRequest : httpRequest)(url, options, (answer) => {
      const header = (name: string): string => [answer.headers[name] ?? ''].flat().join(', ')
      resolve({ url: url.href, status: answer.statusCode ?? 0, body: answer, header })
    })
    request.on('error', fail)
    request.on('timeout', () => request.destroy(new Error(`nothing has come for ${patience / 1000} s`)))
    request.end(body?.toString())
  })
}

/** Connects by a proxy, which sees nothing but names (RFC 9110, section 9.3.6). */
class TunnelAgent extends Agent {
  readonly #proxy: URL

  constructor(proxy: URL) {
    super()
    this.#proxy = proxy
  }

  override createConnection(
    options: RequestOptions,
    callback?: (error: Error | null, socket: Duplex) => void,
  ): Duplex | null | undefined {
    const { hostname, port, username, password } = this.#proxy
    const host = options.host ?? ''
    const target = `${host.includes(':') ? `[${host}]` : host}:${options.port ?? 443}`
    const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    const authorization = { 'proxy-authorization': `Basic ${Buffer.from(user).toString('base64')}` }
    const fail = (error: Error): void => callback?.(error, undefined as unknown as Duplex)
    const request = httpRequest({
      ...{
        host: hostname.replace(/^\[|\]$/g, ''),
        port: port || 80,
        method: 'CONNECT',
        path: target,
        timeout: patience,
      },
      headers: { host: target, ...(username === '' ? {} : authorization) },
    })
    request.on('error', fail)
    request.on('timeout', () => request.destroy(new Error('the proxy does not answer')))
    request.on('connect', (answer: IncomingMessage, socket: Socket) => {
      if (answer.statusCode === 200) {
        const name = isIP(host) === 0 ? { servername: host } : {}
        callback?.(null, connectTls({ socket, ...name }))
        return
      }
      socket.destroy()
      fail(new Error(`it answers with HTTP status ${answer.statusCode ?? 0}`))
    })
    request.end()
    return undefined
  }
}

/**
 * The proxy that HTTPS_PROXY (or in small letters) names for a server, unless NO_PROXY does: names with those below
 * them, addresses, networks, each with a port if that counts, or `*`. Never for this machine.
 * @throws ImageError for what is no proxy of HTTP
 */
export function proxyFor(url: URL, env: NodeJS.ProcessEnv): URL | undefined {
  const text = env.https_proxy || env.HTTPS_PROXY || env.all_proxy || env.ALL_PROXY || ''
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase()
  const port = url.port || '443'
  if (text === '' || loopback.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4') || host === 'localhost') return undefined
  const direct = (env.no_proxy || env.NO_PROXY || '').split(',').map((one) => one.trim().toLowerCase())
  if (direct.some((one) => one !== '' && names(one, host, port))) return undefined
  const proxy = urlOf(text.includes('://') ? text : `http://${text}`)
  if (proxy?.protocol !== 'http:')
    throw new ImageError(`HTTPS_PROXY is ${JSON.stringify(text)}: tsrun takes proxies of the form http://HOST:PORT`)
  return proxy
}

const urlOf = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined)

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

/** True when an entry of NO_PROXY is about a server. */
function names(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true
  const [, network, bits] = /^([\d.]+|[\da-f:]+)\/(\d+)$/.exec(entry) ?? []
  const version = isIP(host)
  if (network !== undefined) {
    if (version === 0 || isIP(network) !== version) return false
    const list = new BlockList()
    list.addSubnet(network, Number(bits), version === 6 ? 'ipv6' : 'ipv4')
    return list.check(host, version === 6 ? 'ipv6' : 'ipv4')
  }
  const [, name = entry, wanted = port] = /^(.*[^:]):(\d+)$/.exec(isIP(entry) === 6 ? '' : entry) ?? []
  const plain = name.replace(/^\*?\./, '').replace(/^\[|\]$/g, '')
  return wanted === port && (host === plain || (version === 0 && host.endsWith(`.${plain}`)))
}

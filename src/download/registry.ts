/** Download: talks to a registry (distribution-spec): manifests and blobs, with the token or password that it asks for. */
import { PassThrough, type Readable } from 'node:stream'
import { ImageError, UsageError } from '../errors.js'
import { documentLimit, mediaType } from '../image/documents.js'
import type { Reference } from '../image/reference.js'
import { type Credentials, findCredentials } from './credentials.js'
import { type Answer, send } from './http.js'

const accept = [mediaType.manifest, mediaType.index, mediaType.dockerManifest, mediaType.dockerIndex].join(', ')
const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/

/** One repository of a registry. */
export class Registry {
  readonly #base: string
  readonly #reference: Reference
  readonly #insecure: boolean
  #authorization: string | undefined
  #credentials: Promise<Credentials | undefined> | undefined

  /** `insecure`: without TLS. @throws UsageError for that with a registry of another machine */
  constructor(reference: Reference, options: { readonly insecure: boolean }) {
    const { registry, repository } = reference
    if (options.insecure && !loopback.test(registry))
      throw new UsageError(
        `--insecure is for registries of this machine: ${registry} is none (127.0.0.1, localhost, [::1])`,
      )
    this.#reference = reference
    this.#insecure = options.insecure
    const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry
    this.#base = `${options.insecure ? 'http' : 'https'}://${host}/v2/${repository}`
  }

  /** A manifest or an index, by tag or digest. @throws ImageError */
  async manifest(tag: string): Promise<{ text: string; type: string }> {
    const response = await this.#get(`${this.#base}/manifests/${tag}`, { accept })
    const text = new TextDecoder().decode(await readAll(response, documentLimit))
    return { text, type: response.header('content-type').split(';', 1)[0]?.trim() ?? '' }
  }

  /**
   * What is in a blob from a byte on; `from` of the answer is where it begins, which may be its start.
   * @throws ImageError
   */
  async blob(
    digest: string,
    from: number,
    urls: readonly string[],
  ): Promise<{ from: number; body: AsyncIterable<Uint8Array> }> {
    const headers = from > 0 ? { range: `bytes=${from}-` } : {}
    const response = await this.#blobResponse(`${this.#base}/blobs/${digest}`, headers, urls)
    return { from: response.status === 206 ? from : 0, body: untilItsEnd(response.body) }
  }

  async #blobResponse(
    url: string,
    headers: Readonly<Record<string, string>>,
    urls: readonly string[],
  ): Promise<Answer> {
    try {
      return await this.#get(url, headers)
    } catch (error) {
      // A foreign layer is to be had elsewhere (image-spec, descriptor.md "urls"); its digest says whether it is it.
      const elsewhere = urls.find((one) => one.startsWith('https://'))
      if (elsewhere === undefined) throw error
      const response = await send(elsewhere, { headers })
      if (!isGood(response)) throw new ImageError(`${elsewhere}: HTTP status ${response.status}`, { cause: error })
      return response
    }
  }

  async #get(url: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
    let response = await this.#send(url, headers)
    if (response.status === 401) {
      response.body.destroy()
      await this.#authorize(response.header('www-authenticate'))
      response = await this.#send(url, headers)
    }
    if (isGood(response)) return response
    throw new ImageError(`${url}: ${await explain(response)}`)
  }

  #send(url: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const authorization = this.#authorization === undefined ? {} : { authorization: this.#authorization }
    return send(url, { headers: { ...headers, ...authorization } })
  }

  /** Does what the challenge asks for (RFC 9110, section 11.6.1). */
  async #authorize(challenge: string): Promise<void> {
    const { registry } = this.#reference
    const scheme = challenge.split(' ', 1)[0]?.toLowerCase()
    const credentials = await (this.#credentials ??= findCredentials(registry))
    if (scheme === 'basic') {
      if (credentials === undefined || !('user' in credentials))
        throw new ImageError(`${registry} asks for a user and password: give them by docker login or skopeo login`)
      this.#authorization = basic(credentials)
    } else if (scheme === 'bearer') {
      this.#authorization = `Bearer ${await this.#token(parameters(challenge), credentials)}`
    } else {
      throw new ImageError(
        `${registry} asks for an authorization that tsrun does not know: ${JSON.stringify(challenge)}`,
      )
    }
  }

  async #token(challenge: ReadonlyMap<string, string>, credentials: Credentials | undefined): Promise<string> {
    const realm = challenge.get('realm') ?? ''
    const url = URL.canParse(realm) ? new URL(realm) : undefined
    const safe = url?.protocol === 'https:' || (this.#insecure && url !== undefined && loopback.test(url.host))
    if (url === undefined || !safe)
      throw new ImageError(`the registry sends for a token to ${JSON.stringify(realm)}, which is not safe`)
    const scope = challenge.get('scope') ?? `repository:${this.#reference.repository}:pull`
    const service = challenge.get('service') ?? ''
    const response =
      credentials !== undefined && 'identityToken' in credentials
        ? await this.#refresh(url, { scope, service, refresh_token: credentials.identityToken })
        : await this.#askToken(url, { scope, service }, credentials)
    if (!isGood(response)) throw new ImageError(`${realm}: ${await explain(response)}`)
    const { token, access_token: other } = JSON.parse(
      new TextDecoder().decode(await readAll(response, documentLimit)),
    ) as { token?: string; access_token?: string }
    if (token === undefined && other === undefined) throw new ImageError(`${realm} gave no token`)
    return token ?? other ?? ''
  }

  #askToken(url: URL, query: Readonly<Record<string, string>>, credentials: Credentials | undefined): Promise<Answer> {
    for (const [name, value] of Object.entries(query)) if (value !== '') url.searchParams.set(name, value)
    const known = credentials !== undefined && 'user' in credentials
    return send(url.href, { headers: known ? { authorization: basic(credentials) } : {} })
  }

  /** OAuth 2 (RFC 6749, section 6). */
  #refresh(url: URL, fields: Readonly<Record<string, string>>): Promise<Answer> {
    const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'tsrun', ...fields })
    return send(url.href, { headers: {}, body })
  }
}

const basic = ({ user, password }: { user: string; password: string }): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

/** `Bearer realm="…",service="…"` */
const parameters = (challenge: string): ReadonlyMap<string, string> =>
  new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name.toLowerCase(), value]))

const isGood = ({ status }: Answer): boolean => status >= 200 && status < 300

async function readAll(response: Answer, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of response.body as AsyncIterable<Uint8Array>) {
    size += part.length
    if (size > limit) throw new ImageError(`${response.url} has more than ${limit} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** What comes of a body, also of one whose connection breaks: what has come by then is what a next request goes on from. */
function untilItsEnd(body: Readable): Readable {
  const all = new PassThrough({ highWaterMark: 1 << 20 })
  body.on('error', () => all.end())
  all.on('close', () => body.destroy())
  return body.pipe(all)
}

/** distribution-spec, "Error Codes". */
async function explain(response: Answer): Promise<string> {
  const status = `HTTP status ${response.status}`
  try {
    const text = new TextDecoder().decode(await readAll(response, documentLimit))
    const { errors = [] } = JSON.parse(text) as { errors?: readonly { code?: string; message?: string }[] }
    const words = errors.map(({ code = '', message = '' }) => message || code).join('; ')
    return words === '' ? status : `${words} (${status})`
  } catch {
    return status
  }
}

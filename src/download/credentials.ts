/** Download: what a registry is to be told about the user: from Docker's config.json, and by credential helpers. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ImageError } from '../errors.js'

/** Name and password; or a token that stands for both. */
export type Credentials = { readonly user: string; readonly password: string } | { readonly identityToken: string }

/** config.json of Docker, as far as it is about registries. */
interface DockerConfig {
  readonly auths?: Readonly<
    Record<string, { auth?: string; identitytoken?: string; username?: string; password?: string }>
  >
  readonly credHelpers?: Readonly<Record<string, string>>
  readonly credsStore?: string
}

/** What helpers call a name that is a token in truth. */
const tokenUser = '<token>'
/** Milliseconds that a helper may take: it may ask a person. */
const helperLimit = 120_000

/** The credentials for a registry; undefined where there are none. @throws ImageError for a broken file or helper */
export async function findCredentials(registry: string): Promise<Credentials | undefined> {
  const config = await readConfig()
  const keys = keysOf(registry)
  const helper = keys.map((key) => config.credHelpers?.[key]).find(Boolean) ?? config.credsStore
  if (helper !== undefined && helper !== '') {
    for (const key of keys) {
      const found = await askHelper(helper, key)
      if (found !== undefined) return found
    }
  }
  const entry = keys.map((key) => config.auths?.[key]).find((one) => one !== undefined)
  if (entry === undefined) return undefined
  if (entry.identitytoken) return { identityToken: entry.identitytoken }
  const [user, ...password] = Buffer.from(entry.auth ?? '', 'base64')
    .toString('utf8')
    .split(':')
  if (user && password.length > 0) return { user, password: password.join(':') }
  return entry.username ? { user: entry.username, password: entry.password ?? '' } : undefined
}

/** Docker's own registry goes by an old address. */
const keysOf = (registry: string): string[] =>
  registry === 'docker.io'
    ? ['https://index.docker.io/v1/', 'index.docker.io', 'docker.io']
    : [registry, `https://${registry}`, `https://${registry}/v1/`, `https://${registry}/v2/`]

async function readConfig(): Promise<DockerConfig> {
  const path = join(process.env.DOCKER_CONFIG ?? join(homedir(), '.docker'), 'config.json')
  try {
    return JSON.parse(await readFile(path, 'utf8')) as DockerConfig
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new ImageError(`cannot read ${JSON.stringify(path)}`, { cause })
  }
}

/** docker-credential-helpers: the server's name on standard input, JSON on standard output. */
async function askHelper(name: string, server: string): Promise<Credentials | undefined> {
  if (!/^[\w.-]+$/.test(name)) throw new ImageError(`${JSON.stringify(name)} is no name of a credential helper`)
  const program = `docker-credential-${name}`
  const output = await new Promise<string | undefined>((resolve, reject) => {
    const child = execFile(program, ['get'], { timeout: helperLimit }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else if (/credentials not found/i.test(stdout + stderr)) resolve(undefined)
      else reject(new ImageError(`${program} has failed: ${(stdout + stderr).trim() || error.message}`))
    })
    // It may end without having read it.
    child.stdin?.on('error', () => undefined).end(server)
  })
  if (output === undefined) return undefined
  const { Username: user, Secret: password } = JSON.parse(output) as { Username?: string; Secret?: string }
  if (user === undefined || password === undefined) throw new ImageError(`${program} gave no name and secret`)
  return user === tokenUser ? { identityToken: password } : { user, password }
}

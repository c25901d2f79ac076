/** Images: what people write for an image, `[REGISTRY/]NAME[:TAG][@DIGEST]`, and its full form. Pure. */
import { UsageError } from '../errors.js'
import { type Digest, isDigest } from './digest.js'

/** An image of a registry. */
export interface Reference {
  /** Full form, for example `docker.io/library/busybox:latest`: the name under which it is stored. */
  readonly name: string
  /** Host, and where it is not 443, port of the registry. */
  readonly registry: string
  /** Path of the image there. */
  readonly repository: string
  /** What is asked for: by `digest` where there is one. */
  readonly tag: string
  readonly digest?: Digest
}

/** As the distribution project's grammar has them. */
const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const repositoryPattern = new RegExp(`^${component}(?:/${component})*$`)
const tagPattern = /^\w[\w.-]{0,127}$/
const hostPattern = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/

/** The reference in a text, as Docker completes it: registry docker.io, its `library`, tag `latest`. @throws UsageError */
export function parseReference(text: string): Reference {
  const bad = (why: string): UsageError => new UsageError(`${JSON.stringify(text)} is no name of an image: ${why}`)
  const [named = '', digest, ...more] = text.split('@')
  if (more.length > 0 || (digest !== undefined && !isDigest(digest)))
    throw bad('what follows @ must be a sha256 digest')
  const colon = named.lastIndexOf(':')
  const hasTag = colon > named.lastIndexOf('/')
  const path = hasTag ? named.slice(0, colon) : named
  const tag = hasTag ? named.slice(colon + 1) : 'latest'
  if (!tagPattern.test(tag)) throw bad('its tag has other characters than letters, digits, _, . and -')
  const { registry, repository } = splitRegistry(path)
  if (!hostPattern.test(registry)) throw bad('it begins with no host name')
  if (!repositoryPattern.test(repository)) throw bad('names are lower case letters, digits and single ., _, -')
  const name = `${registry}/${repository}${digest === undefined || hasTag ? `:${tag}` : ''}${digest ? `@${digest}` : ''}`
  return { name, registry, repository, tag, ...(digest === undefined ? {} : { digest }) }
}

/** What is in front of the first slash is a host when it looks like one. */
function splitRegistry(path: string): { registry: string; repository: string } {
  const slash = path.indexOf('/')
  const first = path.slice(0, Math.max(slash, 0))
  if (slash > 0 && (/[.:]/.test(first) || first === 'localhost')) {
    const registry = first === 'index.docker.io' ? 'docker.io' : first
    const rest = path.slice(slash + 1)
    return { registry, repository: registry === 'docker.io' && !rest.includes('/') ? `library/${rest}` : rest }
  }
  return { registry: 'docker.io', repository: slash > 0 ? path : `library/${path}` }
}

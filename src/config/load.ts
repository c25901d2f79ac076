/** Stage 1, config: reads a config.json and hands on a Config that passed every check, or every problem. */
import { ConfigError } from '../errors.js'
import { readAnnotations } from './annotations.js'
import { documentAsItStands, readDocument } from './document.js'
import { parseJson } from './json.js'
import { Kept } from './kept.js'
import { cleanPath } from './paths.js'
import { checkRules } from './rules.js'
import type { Config, ConfigDocument } from './types.js'

const kept = new Kept<Config>()

/**
 * The Config in the text of a config.json.
 * Throws ConfigError: with line and column when the text is not JSON, else with every problem found.
 */
export async function loadConfig(text: string): Promise<Config> {
  return kept.get(text) ?? kept.keep(text, await readConfig(text))
}

async function readConfig(text: string): Promise<Config> {
  const document = documentAsItStands(text)
  return document === undefined ? parseConfig(parseJson(text)) : configOf(document)
}

/**
 * The Config in a parsed config.json, which is not changed but may share parts with the Config.
 * Throws ConfigError with all problems of its shape and all broken rules; of the rules those that can be judged
 * without the parts that have no shape.
 */
export async function parseConfig(value: unknown): Promise<Config> {
  return configOf(await readWhole(value))
}

/** @throws ConfigError with all broken rules */
function configOf(read: ConfigDocument): Config {
  const document = withListener(read)
  const issues = checkRules(document)
  if (issues.length > 0 || !isComplete(document)) throw ConfigError.from(issues)
  return withCleanDestinations(document)
}

/** As readDocument, but a problem of the shape hides none of the rules. Throws ConfigError. */
async function readWhole(value: unknown): Promise<ConfigDocument> {
  try {
    return await readDocument(value)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const [{ remainingIssues }, { shapeIssues }] = await Promise.all([
      import('./remaining.js'),
      import('./document.js'),
    ])
    const { issues } = error
    throw ConfigError.from([...issues, ...remainingIssues(value, issues, await shapeIssues())])
  }
}

/** The rules refuse a document without these two; this tells the compiler. */
function isComplete(document: ConfigDocument): document is Config {
  return document.process !== undefined && document.root !== undefined
}

/** An annotation may name who answers for the filter; the config itself goes first. */
function withListener(document: ConfigDocument): ConfigDocument {
  const { seccompReceiver } = readAnnotations(document.annotations)
  const seccomp = document.linux?.seccomp
  if (seccompReceiver === undefined || seccomp === undefined || seccomp.listenerPath !== undefined) return document
  return { ...document, linux: { ...document.linux, seccomp: { ...seccomp, listenerPath: seccompReceiver } } }
}

/**
 * The config with destinations of mounts as seen from the root file system at the absolute path `rootfs`: old engines
 * write them as seen from the runtime, which runc understands too. The rules are asked again, which go by them.
 * Throws ConfigError.
 */
export async function withoutRootfsPrefix(config: Config, rootfs: string): Promise<Config> {
  const isPrefixed = (destination: string): boolean => destination === rootfs || destination.startsWith(`${rootfs}/`)
  if (rootfs === '/' || !config.mounts?.some(({ destination }) => isPrefixed(destination))) return config
  const mounts = config.mounts.map((mount) =>
    isPrefixed(mount.destination) ? { ...mount, destination: mount.destination.slice(rootfs.length) || '/' } : mount,
  )
  return parseConfig({ ...config, mounts })
}

function withCleanDestinations(config: Config): Config {
  if (config.mounts === undefined) return config
  const mounts = config.mounts.map((mount) => ({ ...mount, destination: cleanPath(mount.destination) }))
  return { ...config, mounts }
}

// The members of the config schema, and places in a config.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Pointers of all members of config-schema.json that have no members of their own, in its order. Entries of lists and
 * maps are `*`; an entry that is a plain value has no line beside its list.
 */
export function collectFields(folder) {
  const files = new Map()
  const load = (name) => {
    if (!files.has(name)) files.set(name, read(join(folder, name)))
    return files.get(name)
  }
  const all = [...new Set(walk({ schema: load('config-schema.json'), file: 'config-schema.json', at: '' }, load))]
  const named = all.filter((field) => !field.endsWith('/*'))
  return named.filter((field) => !named.some((other) => other.startsWith(`${field}/`)))
}

/** Schemas of other platforms are not kept here: their members are lines without members. */
function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    return {}
  }
}

function* walk(place, load) {
  const { schema, file, at } = resolve(place, load)
  if (at !== '') yield at
  const below = (next, name) => walk({ schema: next, file, at: `${at}${name}` }, load)
  for (const part of [...(schema.allOf ?? []), ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) yield* below(part, '')
  for (const [name, member] of Object.entries(schema.properties ?? {})) yield* below(member, `/${name}`)
  const entries = [schema.items, ...Object.values(schema.patternProperties ?? {}), schema.additionalProperties]
  for (const entry of entries) if (typeof entry === 'object') yield* below(entry, '/*')
}

function resolve({ schema, file, at }, load) {
  if (schema.$ref === undefined) return { schema, file, at }
  const [name, path = ''] = schema.$ref.split('#')
  const target = name === '' ? file : name
  let found = load(target)
  for (const step of path.split('/').slice(1)) found = found?.[step]
  return resolve({ schema: found ?? {}, file: target, at }, load)
}

/** What a config has at a place. */
export function valueAt(config, place) {
  return place.reduce((value, name) => (value === undefined || value === null ? undefined : value[name]), config)
}

/** A copy of a config without what is at a place. */
export function without(config, [name, ...rest]) {
  if (config === undefined || config === null || !Object.hasOwn(config, name)) return config
  const changed = rest.length === 0 ? undefined : without(config[name], rest)
  if (Array.isArray(config)) {
    return rest.length === 0 ? config.toSpliced(Number(name), 1) : config.with(Number(name), changed)
  }
  const entries = Object.entries(config)
  return Object.fromEntries(
    rest.length === 0
      ? entries.filter(([key]) => key !== name)
      : entries.map(([key, value]) => [key, key === name ? changed : value]),
  )
}

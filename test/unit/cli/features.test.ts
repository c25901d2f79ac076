/** The features document, against the schema of the runtime spec and the tables of the planners. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { features } from '#dist/features.js'
import { parseMountOptions } from '#dist/plan/mount-options.js'

const folder = fileURLToPath(new URL('../test/data/spec/schema/', import.meta.resolve('#dist/index.js')))

interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly pattern?: string
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
}

/** As much of JSON schema draft 4 as the features schema uses; members the schema doesn't name are errors here. */
function check(value: unknown, schema: Schema, file: string, at = ''): string[] {
  if (schema.$ref !== undefined) {
    const [name = '', path = ''] = schema.$ref.split('#')
    const target = name === '' ? file : name
    let found = JSON.parse(readFileSync(`${folder}${target}`, 'utf8')) as unknown
    for (const step of path.split('/').slice(1)) found = (found as Record<string, unknown>)[step]
    return check(value, found as Schema, target, at)
  }
  const type = Array.isArray(value) ? 'array' : typeof value
  if (schema.type !== undefined && schema.type !== type) return [`${at}: ${type} instead of ${schema.type}`]
  if (schema.enum !== undefined && !schema.enum.includes(value)) return [`${at}: ${String(value)}`]
  if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(String(value)))
    return [`${at}: ${String(value)}`]
  if (Array.isArray(value))
    return value.flatMap((item, i) => check(item, schema.items ?? {}, file, `${at}/${String(i)}`))
  if (schema.properties === undefined) return []
  const missing = (schema.required ?? []).filter((name) => !Object.hasOwn(value as object, name))
  const members = Object.entries(value as object).flatMap(([name, member]) => {
    const known = schema.properties?.[name]
    return known === undefined ? [`${at}/${name}: unknown`] : check(member, known, file, `${at}/${name}`)
  })
  return [...missing.map((name) => `${at}/${name}: missing`), ...members]
}

t.test('the document fits the schema of the runtime spec', async (t) => {
  t.same(check(features(), { $ref: 'features-schema.json' }, ''), [])
  t.not(check({ ...features(), hooks: [1] }, { $ref: 'features-schema.json' }, '').length, 0, 'the check does check')
})

t.test('the planner gives every mount option listed a meaning', async (t) => {
  const { mountOptions } = features()
  t.ok(mountOptions.includes('rro'))
  t.notOk(mountOptions.includes('idmap'))
  for (const option of mountOptions) t.notOk(parseMountOptions([option]).data.length, option)
})

t.test('it says what containerd and CRI-O ask for', async (t) => {
  const { ociVersionMin, ociVersionMax, hooks, linux, annotations } = features()
  t.same([ociVersionMin, ociVersionMax], ['1.0.0', '1.3.0'])
  t.same(hooks, ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'])
  t.equal(linux.namespaces.length, 8)
  t.equal(linux.capabilities.length, 41)
  t.match(annotations['io.github.seccomp.libseccomp.version'], /^2\.\d+\.\d+$/)
})

/** The features document, against the schema of the runtime spec and the tables of the planners. */
import { existsSync, readFileSync } from 'node:fs'
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
  // The members of features-linux.md 1.3 that its schema has forgotten.
  const { memoryPolicy: _, ...linux } = features().linux
  const { schemata, monitoring, ...intelRdt } = linux.intelRdt
  t.same([schemata, monitoring], [true, true])
  const document = { ...features(), linux: { ...linux, intelRdt } }
  t.same(check(document, { $ref: 'features-schema.json' }, ''), [])
  t.not(check({ ...features(), hooks: [1] }, { $ref: 'features-schema.json' }, '').length, 0, 'the check does check')
})

t.test('the planner gives every mount option listed a meaning', async (t) => {
  const { mountOptions } = features()
  t.ok(mountOptions.includes('rro'))
  t.ok(mountOptions.includes('idmap') && mountOptions.includes('ridmap'))
  for (const option of mountOptions) t.notOk(parseMountOptions([option]).data.length, option)
})

/** Where each list of the document is tested, entry by entry, on real containers. */
const tests: readonly [entries: readonly string[], ...files: string[]][] = [
  [features().hooks, 'hooks'],
  [features().mountOptions, 'mount-options', 'mount-recursion', 'mounts', 'mount-links', 'idmap'],
  [features().linux.namespaces, 'namespaces', 'exec'],
  [features().linux.seccomp.actions, 'seccomp', 'seccomp-notify'],
  [features().linux.seccomp.operators, 'seccomp'],
  [features().linux.seccomp.knownFlags, 'seccomp', 'seccomp-notify'],
  [features().linux.memoryPolicy.modes, 'memory-policy', '../unit/config/rules/linux', '../unit/plan/process'],
  [features().linux.memoryPolicy.flags, 'memory-policy', '../unit/config/rules/linux', '../unit/plan/process'],
  [features().potentiallyUnsafeConfigAnnotations, 'annotations', 'checkpoint', '../vm/systemd'],
]

t.test(
  'everything that is listed has a test that names it; capabilities and architectures are walked there',
  async (t) => {
    for (const [entries, ...files] of tests) {
      const text = files.map((file) => textOf(`integration/${file}.test.ts`)).join('\n')
      for (const entry of entries) {
        const end = entry.endsWith('.') ? '' : '(?![\\w-])'
        t.ok(new RegExp(`(?<![\\w-])${entry.replaceAll('.', '\\.')}${end}`).test(text), `${entry}: ${files.join(', ')}`)
      }
    }
  },
)

function textOf(file: string): string {
  const path = fileURLToPath(new URL(`../test/${file}`, import.meta.resolve('#dist/index.js')))
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

t.test('it says what containerd and CRI-O ask for', async (t) => {
  const { ociVersionMin, ociVersionMax, hooks, linux, annotations } = features()
  t.same([ociVersionMin, ociVersionMax], ['1.0.0', '1.3.0'])
  t.same(hooks, ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'])
  t.equal(linux.namespaces.length, 8)
  t.equal(linux.capabilities.length, 41)
  t.equal(linux.mountExtensions.idmap.enabled, true)
  t.match(annotations['io.github.seccomp.libseccomp.version'], /^2\.\d+\.\d+$/)
})

// Writes docs/conformance.md: every member of the config schema of the runtime spec, what tsrun makes of it, and the
// test that shows it. usage: node scripts/conformance.mjs [--check]     (--check: only says what is wrong or out of date)
//
// The members come from the schemas in test/data/spec/schema, and what tsrun makes of them from the loader and the
// planners themselves: a config with every member (test/data/conformance.json) is loaded, what is refused is noted by
// name, and each member that is left is taken out in turn, which must change the plan or be refused as missing.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { collectFields, valueAt, without } from './conformance-fields.mjs'
import { checkpointSection } from './conformance-checkpoint.mjs'
import { hookSection } from './conformance-hooks.mjs'
import { Failure, isMain, root, script } from './process.mjs'
import { setUp } from './setup.mjs'

const page = join(root, 'docs/conformance.md')
const data = join(root, 'test/data/conformance.json')
const ours = (path) => import(pathToFileURL(join(root, path)).href)

/** Members for other platforms: config.md leaves them to the runtimes of these. */
const foreign = {
  '/process/commandLine': 'Windows',
  '/process/user/username': 'Windows',
  '/solaris': 'Solaris',
  '/windows': 'Windows',
  '/vm': 'virtual machines',
  '/zos': 'z/OS',
  '/freebsd': 'FreeBSD',
}

/** Members that planning passes by, and the file that obeys them. */
const outsidePlan = {
  '/ociVersion': 'src/plan/oci-state.ts',
  '/annotations': 'src/launch/first-record.ts',
  '/process/execCPUAffinity/initial': 'src/launch/exec.ts',
  '/process/execCPUAffinity/final': 'src/plan/exec.ts',
  '/linux/resources/memory/checkBeforeUpdate': 'src/plan/resources/plan.ts',
  ...Object.fromEntries(['prestart', 'createRuntime'].flatMap((kind) => hookMembers(kind, 'src/launch/create.ts'))),
  ...Object.fromEntries(hookMembers('poststart', 'src/launch/start.ts')),
  ...Object.fromEntries(hookMembers('poststop', 'src/launch/delete.ts')),
}

/** Accepted without an effect of their own, as the spec or the kernel has it. */
const withoutEffect = {
  '/linux/resources/memory/kernel': 'no effect, with a warning: the kernel gave it up with 5.16',
  '/linux/resources/memory/useHierarchy': 'always so: the kernel knows nothing else since 5.11',
}

function hookMembers(kind, file) {
  return ['path', 'args', 'env', 'timeout'].map((name) => [`/hooks/${kind}/*/${name}`, file])
}

async function main(args) {
  const check = args.includes('--check')
  // A test that checks runs with everything built.
  if (!check) setUp('test', { tools: [] })
  const { config, others, tests } = JSON.parse(readFileSync(data, 'utf8'))
  const fields = collectFields(join(root, 'test/data/spec/schema'))
  const problems = []
  const complain = (field, words) => problems.push(`${field}: ${words}`)
  const { accepted, refused } = await sortOut(config, fields, complain)
  await checkEffects({ config: accepted, others, refused, fields, complain })
  const { runcDifferences } = await ours('build/test/helpers/differences.js')
  const rows = fields.map((field) => {
    if (foreign[field]) return [field, `ignored: for ${foreign[field]}`, '', '']
    const outcome = refused.get(field)
    const test = findTest(field, tests[field], outcome !== undefined, complain)
    const state = outcome ? `refused: ${outcome}` : (withoutEffect[field] ?? 'done')
    return [field, state, test, sameAsRunc(tests[field] ?? '', runcDifferences)]
  })
  for (const field of Object.keys(tests)) if (!fields.includes(field)) complain(field, 'is not in the schema')
  if (problems.length > 0) throw new Failure(`test/data/conformance.json does not fit:\n${problems.join('\n')}`)
  const text = `${format(rows)}${hookSection()}${checkpointSection()}`
  if (!check) writeFileSync(page, text)
  else if (!existsSync(page) || readFileSync(page, 'utf8') !== text)
    throw new Failure('docs/conformance.md is out of date: node scripts/conformance.mjs writes it')
}

/** The config without what the loader refuses, and why it does, by field. */
async function sortOut(config, fields, complain) {
  const { parseConfig } = await ours('dist/config/load.js')
  const { ConfigError } = await ours('dist/errors.js')
  const refused = new Map()
  for (let left = config; ;) {
    try {
      await parseConfig(left)
      return { accepted: left, refused }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      for (const { pointer, message } of error.issues) {
        const place = pointer.split('/').slice(1)
        const below = fields.filter((field) => isBelow(field, place) && !foreign[field])
        if (below.length === 0 || valueAt(left, place) === undefined) complain(pointer, message)
        // One entry of a list may be refused where others are not: then it is not the field that is.
        for (const field of below) if (!isEntry(place)) refused.set(field, message)
        left = without(left, place)
      }
      if (error.issues.some(({ pointer }) => valueAt(left, pointer.split('/').slice(1)) !== undefined)) throw error
    }
  }
}

const isEntry = (place) => place.at(-2) === 'options'

/** True for the field at a place of a config, and for those below it; entries of lists and maps are `*`. */
function isBelow(field, place) {
  const parts = field.split('/').slice(1)
  return place.every((name, at) => parts[at] === undefined || parts[at] === name || parts[at] === '*')
}

/** Takes out each member in turn: somebody must notice, on a host with cgroup v1 or on one with v2. */
async function checkEffects({ config, others, refused, fields, complain }) {
  const { documentShape } = await ours('dist/config/schema/index.js')
  const hosts = []
  for (const host of planningHosts) hosts.push(await planOn(config, host))
  for (const field of fields) {
    if (foreign[field] || refused.has(field)) continue
    if (!isInShape(documentShape(), field)) complain(field, 'src/config/schema does not know it')
    const file = outsidePlan[field]
    if (file && !readFileSync(join(root, file), 'utf8').includes(kindOf(field))) complain(field, `${file} has it not`)
    if (file ?? withoutEffect[field]) continue
    const noticed = []
    for (const host of hosts) noticed.push(await isNoticed(host, field))
    // What contradicts something else of the config has one of its own.
    const other = others[field]
    if (other) noticed.push(await isNoticed(await planOn({ ...config, ...other }, planningHosts[0]), field))
    if (noticed.every((one) => one === undefined)) complain(field, 'has no value in the config')
    else if (!noticed.includes(true)) complain(field, 'has no effect on the plan')
  }
}

/** The plan on a host, for the part of the config that this kind of host can do. */
async function planOn(config, { facts, lacks }) {
  const left = lacks.reduce((all, path) => without(all, ['linux', 'resources', ...path.split('.')]), config)
  const { plan, error } = await planOf(left, facts)
  if (error) throw error
  return { config: left, facts, plan }
}

/** Whether the lack of a field is noticed; undefined when the config does not have it. */
async function isNoticed({ config, facts, plan }, field) {
  const places = placesIn(config, field)
  if (places.length === 0) return undefined
  for (const place of places) if ((await planOf(without(config, place), facts)).plan !== plan) return true
  return false
}

/** What the file that obeys a field calls it: hooks go by their kind. */
const kindOf = (field) => (field.startsWith('/hooks/') ? field.split('/')[2] : field.split('/').at(-1))

async function planOf(config, facts) {
  const { parseConfig } = await ours('dist/config/load.js')
  const { compilePlan } = await ours('dist/plan/compile.js')
  const plain = (_, value) => (typeof value === 'bigint' ? `${value}n` : value)
  try {
    const plan = compilePlan({
      ...{ id: 'id', config: await parseConfig(config), bundle: '/bundle', rootfs: '/bundle/rootfs', facts },
      options: { noPivot: false, noNewKeyring: false, preserveFds: 0, waitForStart: true },
      compileSeccomp: (request) => new TextEncoder().encode(JSON.stringify(request, plain)),
    })
    return { plan: JSON.stringify(plan, (name, value) => (name === 'program' ? String(value) : plain(name, value))) }
  } catch (error) {
    return { error }
  }
}

const anyHost = {
  ...{ euid: 0, inUserNamespace: false, apparmor: true, selinux: true, highestCapability: 40 },
  resctrl: '/sys/fs/resctrl',
}
const legacy = ['memory', 'cpu,cpuacct', 'cpuset', 'blkio', 'pids', 'hugetlb', 'net_cls,net_prio', 'rdma']

/** Two kinds of hosts, and the limits that each does not have. */
const planningHosts = [
  {
    lacks: ['unified'],
    facts: {
      ...anyHost,
      cgroup: {
        ...{ mode: 'hybrid', unified: '/sys/fs/cgroup/unified', controllers: [], own: {} },
        v1: Object.fromEntries(legacy.map((name) => [name, `/sys/fs/cgroup/${name}`])),
      },
    },
  },
  {
    lacks: [
      ...['cpu.realtimeRuntime', 'cpu.realtimePeriod', 'memory.kernelTCP', 'memory.swappiness'],
      ...['memory.disableOOMKiller', 'blockIO.leafWeight', 'blockIO.weightDevice.0.leafWeight', 'network'],
    ],
    facts: {
      ...anyHost,
      cgroup: {
        ...{ mode: 'v2', unified: '/sys/fs/cgroup', v1: {}, own: { '': '/' } },
        controllers: ['cpu', 'cpuset', 'io', 'memory', 'pids', 'hugetlb', 'rdma'],
      },
    },
  },
]

function isInShape(shape, field) {
  let at = shape
  for (const name of field.split('/').slice(1)) {
    if (at === undefined) return false
    if (name === '*') at = at.kind === 'list' ? at.item : at.value
    else at = at.kind === 'map' ? at.value : at.members?.[name]
  }
  return at !== undefined
}

/** The places of a config that a field has. */
function placesIn(config, field) {
  let places = [[]]
  for (const name of field.split('/').slice(1)) {
    places = places.flatMap((place) => {
      const value = valueAt(config, place)
      if (value === undefined || value === null) return []
      return name === '*' ? Object.keys(value).map((key) => [...place, key]) : [[...place, name]]
    })
  }
  return places.filter((place) => valueAt(config, place) !== undefined)
}

/** Words of a field that its test must have one of; what is refused may be refused as a whole. */
const namesOf = (field, isRefused) =>
  isRefused ? field.split('/').filter((name) => name !== '' && name !== '*') : [kindOf(field)]

/** The test of a field: its file must be there, must have the words, and must name the field. */
function findTest(field, entry, isRefused, complain) {
  const [, file, words] = /^([^:]+\.test\.ts): (.+)$/s.exec(entry ?? '') ?? []
  if (file === undefined) {
    complain(field, 'has no test: test/data/conformance.json needs an entry "FILE: words of it"')
    return ''
  }
  const text = existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : undefined
  if (text === undefined) complain(field, `there is no ${file}`)
  else if (!text.includes(words)) complain(field, `${file} has no ${JSON.stringify(words)}`)
  else if (!namesOf(field, isRefused).some((name) => new RegExp(`\\b${name}\\b`).test(text)))
    complain(field, `${file} does not mention it`)
  return `${file.replace(/^test\//, '').replace(/\.test\.ts$/, '')}: ${words.replace(/^['"`]|['"`]$|: \{$/g, '')}`
}

/** True for a test that needs tsrun, by a list of its own or by that of its file. */
function isOursAlone(text, title) {
  const [body = ''] = text.slice(text.indexOf(title)).split(/\ntest\(/)
  const own = /needs: (\[[^\]]*\]|\w+)|\{ needs \}/.exec(body)?.[0] ?? ''
  const name = /needs: (\w+)$/.exec(own)?.[1] ?? (own.includes('needs }') || own.includes('...needs') ? 'needs' : '')
  const shared = name === '' ? '' : (new RegExp(`const ${name}\\b[^=]* = \\[([^\\]]*)\\]`).exec(text)?.[1] ?? '')
  return `${own} ${shared}`.includes("'tsrun'")
}

/** Whether Debian's runc passes the same test, which `RUNTIME=runc npm run test:integration` finds out. */
function sameAsRunc(entry, differences) {
  const [, file = '', title = ''] = /^([^:]+\.test\.ts): (.+)$/s.exec(entry) ?? []
  if (!file.startsWith('test/integration/')) return 'not compared'
  if (isOursAlone(readFileSync(join(root, file), 'utf8'), title)) return 'not compared'
  // A row of a table whose tests begin with the same words.
  const row = /^'(.+)'$|^(\w+): \{$/.exec(title)
  const words = row ? `${row[1] ?? row[2]} is in its file when the container is created` : title
  // A title made of a variable stands for several tests.
  const parts = words.split(/\$\{\w+\}/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const like = new RegExp(`^${parts.join('.*')}$`)
  const known = Object.entries(differences).find(([other]) => like.test(other))
  if (known === undefined) return 'yes'
  return parts.length === 1 ? `no: ${known[1]}` : `yes, but ${JSON.stringify(known[0])}: ${known[1]}`
}

function format(rows) {
  const cell = (text) => text.replaceAll('|', '\\|').replaceAll('*', '\\*')
  return [
    '# Conformance',
    '',
    'Every member of the config schema of runtime-spec 1.3 (config.json, for Linux), what tsrun makes of it, and the test',
    'that shows it. Written by `node scripts/conformance.mjs`, which walks the schema and asks the loader and the planners;',
    '`npm run test:unit` fails when a member has no line here, or its line is not true any more. `*` is any entry of a list',
    'or map; a list of plain values is one line.',
    '',
    '- **done**: accepted, and taking it away changes what is planned or run.',
    '- **refused**: an error that names the member, never silence.',
    '- The last column tells whether Debian’s runc (1.1.5) passes the same test (`RUNTIME=runc npm run test:integration`;',
    '  `test/helpers/differences.ts`). Tests of planners, and of what runc does not have at all, are not compared.',
    '',
    '| member | tsrun | test | same with runc |',
    '| --- | --- | --- | --- |',
    ...rows.map(([field, ...cells]) => `| ${[`\`${field}\``, ...cells.map(cell)].join(' | ')} |`),
    '',
  ].join('\n')
}

if (isMain(import.meta.url)) await script(main)

// Who may import whom: one table, from which come the ESLint rules, their test and the map in docs/map.md.
import { dirname, join, relative } from 'node:path'
import { root } from './process.mjs'

const noModules = 'shared code runs in Node, in Bun and in the executable, which has no such modules'

/**
 * The rooms of src/, each after those that it may import. `may`: rooms; `types`: rooms of which it may know types alone;
 * `packages`: modules that are not ours, with the reason; `does` and `not` are for the map.
 */
export const rooms = {
  errors: { does: 'what can go wrong, as classes with stable codes', not: 'know anything else', may: [] },
  config: {
    does: 'checks a config.json, reports every problem with its JSON pointer',
    not: 'look at the host',
    may: ['errors'],
    packages: { 'zod/mini': 'the schema' },
  },
  plan: {
    does: 'turns a Config and facts about the host into a LaunchPlan, which is plain data',
    not: 'do any I/O: what it must know comes in as HostFacts',
    may: ['errors', 'config'],
  },
  native: {
    does: 'the only door to the addon: its failures become errors here',
    not: 'decide',
    may: ['errors', 'config', 'plan'],
  },
  host: {
    does: 'probes the host: cgroup mounts, user namespace, security modules',
    not: 'decide',
    may: ['errors', 'config', 'plan', 'native'],
  },
  dbus: {
    does: 'speaks the wire format of D-Bus with a bus',
    not: 'know what is said',
    may: ['errors', 'native'],
  },
  criu: {
    does: 'speaks the RPC protocol of CRIU with a criu process',
    not: 'know containers',
    may: ['errors', 'config', 'native'],
  },
  cgroup: {
    does: 'the one room for hierarchies, drivers, limits and the freezer',
    not: 'know commands',
    may: ['errors', 'config', 'plan', 'native', 'host', 'dbus'],
  },
  state: {
    does: 'keeps a record per container, observes its status',
    not: 'store a status',
    may: ['errors', 'plan', 'native', 'host', 'cgroup'],
    types: ['config'],
  },
  stats: {
    does: 'reads what a container uses from its cgroups, v1 or v2',
    not: 'change anything',
    may: ['native'],
    types: ['cgroup', 'state'],
  },
  launch: {
    does: 'carries a plan out: init, hooks, hand-over, and every other verb of a container',
    not: 'touch a path below the rootfs',
    may: ['errors', 'config', 'plan', 'native', 'host', 'criu', 'state', 'cgroup', 'stats'],
  },
  runtime: {
    does: 'CoreRuntime and CoreContainer: the verbs, for the command line and the library alike',
    not: 'know who calls',
    may: ['errors', 'config', 'plan', 'native', 'host', 'state', 'cgroup', 'launch'],
    types: ['stats'],
  },
  image: {
    does: 'the store of images, their layers, their bundles; loaded only by who uses images',
    not: 'know containers or the network',
    may: ['errors', 'config', 'native', 'host'],
  },
  library: {
    does: 'Runtime, Container and run: what a program that embeds tsrun holds, on an event loop',
    not: 'be loaded by the command line, whose engine has no module of Node.js',
    may: ['errors', 'config', 'plan', 'native', 'host', 'state', 'cgroup', 'stats', 'launch', 'image', 'runtime'],
    packages: { 'node:stream': 'standard streams', 'node:worker_threads': 'the thread that does the work' },
  },
  download: {
    does: 'downloads images from registries: a program of its own in Node.js, as the executable has no network',
    not: 'be loaded by anything else',
    may: ['errors', 'native', 'image'],
    packages: {
      'node:child_process': 'credential helpers',
      'node:crypto': 'SHA-256 of a stream',
      'node:fs': 'files as streams',
      'node:http': 'requests to registries of this machine, and to proxies',
      'node:https': 'requests',
      'node:net': 'addresses and networks of NO_PROXY',
      'node:stream': 'bodies of answers',
      'node:tls': 'TLS through a proxy',
      'node:fs/promises': 'files',
      'node:os': 'the home directory',
      'node:path': 'paths',
      'node:readline': 'a line on a terminal',
      'node:tty': 'its type',
    },
  },
  index: {
    does: 'what the package exports, and nothing else',
    not: 'do anything',
    may: ['errors', 'runtime', 'library'],
    types: ['config', 'plan', 'state', 'stats', 'launch', 'image'],
  },
  doctor: {
    does: 'tries what the host offers, and says what of tsrun works with it',
    not: 'change anything that stays',
    may: ['errors', 'config', 'plan', 'native', 'host', 'cgroup', 'runtime'],
  },
  core: {
    does: 'what the command line is made of, and nothing else',
    not: 'do anything',
    may: ['errors', 'config', 'plan', 'host', 'runtime'],
    types: ['state', 'launch', 'stats'],
  },
  cli: {
    does: 'flags, messages, exit statuses over the core',
    not: 'do the work itself',
    may: ['core', 'native', 'image', 'doctor'],
    packages: { commander: 'the flags' },
  },
}

/** Files that no other room may import, though it may import their room. */
const hidden = { 'src/native/addon': 'only src/native loads the addon, so that failures become errors in one place' }

/** Room of a file, by its path in the repository without suffix; undefined when it is in none. */
export function roomOf(path) {
  const [top, folder, ...rest] = path.split('/')
  if (top !== 'src' || folder === undefined) return undefined
  if (rest.length > 0) return folder
  return ['errors', 'index', 'core'].includes(folder) ? folder : 'runtime'
}

/** Why a file may not import this, or undefined. Paths are in the repository; `types`: it imports only types. */
export function objection(file, specifier, types) {
  const name = roomOf(file.replace(/\.ts$/, ''))
  const room = Object.hasOwn(rooms, name) ? rooms[name] : undefined
  if (room === undefined) return `${file} is in no room of scripts/import-fence.mjs`
  if (!specifier.startsWith('.')) {
    if (Object.hasOwn(room.packages ?? {}, specifier)) return undefined
    return `${name} may not import ${specifier}: ${/^(node:|bun\b)/.test(specifier) ? noModules : 'no such package is in its row'}`
  }
  const target = join(dirname(file), specifier).replace(/\.(js|ts)$/, '')
  const to = roomOf(target)
  if (to === name) return undefined
  if (Object.hasOwn(hidden, target)) return `${name} may not import ${target}: ${hidden[target]}`
  if (room.may.includes(to) || (types && (room.types ?? []).includes(to))) return undefined
  const all = [...room.may, ...(room.types ?? []).map((type) => `types of ${type}`)]
  return `${name} may not import ${to ?? target}: it must not ${room.not}, and knows only ${all.join(', ') || 'itself'}`
}

const onlyTypes = (kind, specifiers, member) =>
  kind === 'type' || (specifiers.length > 0 && specifiers.every((one) => one[member] === 'type'))

/** Every way to name another module: static, re-exported, dynamic, in a type. */
const importsRule = {
  meta: { type: 'problem', schema: [], docs: { description: 'keeps the import order of scripts/import-fence.mjs' } },
  create(context) {
    const file = relative(root, context.filename)
    const check = (node, source, types) => {
      const message =
        typeof source === 'string' ? objection(file, source, types) : 'what is imported must be a plain string'
      if (message !== undefined) context.report({ node, message })
    }
    return {
      ImportDeclaration: (node) =>
        check(node, node.source.value, onlyTypes(node.importKind, node.specifiers, 'importKind')),
      ExportNamedDeclaration: (node) =>
        node.source && check(node, node.source.value, onlyTypes(node.exportKind, node.specifiers, 'exportKind')),
      ExportAllDeclaration: (node) => check(node, node.source.value, node.exportKind === 'type'),
      ImportExpression: (node) => check(node, node.source.value, false),
      TSImportType: (node) => check(node, (node.source ?? node.argument.literal).value, true),
      TSExternalModuleReference: (node) => check(node, node.expression.value, false),
    }
  },
}

const property = (object, name, message) => ({ object, property: name, message })
const bannedProperties = [
  property('process', 'stdout', 'The executable has none: src/cli/output.ts prints.'),
  property('process', 'stderr', 'The executable has none: src/cli/output.ts prints.'),
  property('process', 'stdin', 'The container inherits the descriptor; Node would read ahead of it.'),
  property('process', 'dlopen', 'Only src/native/addon.ts loads native code.'),
  property('process', 'umask', 'To ask Node for it sets it, in all threads.'),
  property('process', 'chdir', 'A library does not move the program that embeds it.'),
  property('process', 'kill', 'The pid may be another process by now: signalProcess() takes a pidfd.'),
]
const bannedGlobals = [
  { name: 'eval', message: 'Nothing loads code at run time.' },
  { name: 'Function', message: 'Nothing loads code at run time.' },
  { name: 'require', message: 'Only src/native/addon.ts loads native code; all else is imported.' },
  { name: 'fetch', message: 'A runtime talks to nobody but its caller, the kernel and systemd.' },
  { name: 'setInterval', message: 'No polling: wait for the event.' },
]

/** What eslint.config.js takes over. */
export const fence = [
  {
    files: ['src/**/*.ts'],
    plugins: { fence: { rules: { imports: importsRule } } },
    rules: {
      'fence/imports': 'error',
      'no-restricted-properties': ['error', ...bannedProperties],
      'no-restricted-globals': ['error', ...bannedGlobals],
    },
  },
  {
    files: ['src/download/*.ts'],
    rules: { 'no-restricted-properties': 'off', 'no-restricted-globals': ['error', ...bannedGlobals.slice(0, 2)] },
  },
  { files: ['src/native/addon.ts'], rules: { 'no-restricted-properties': 'off', 'no-restricted-globals': 'off' } },
]

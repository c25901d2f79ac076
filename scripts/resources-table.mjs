// Writes docs/resources.md: what each limit did to a container, on this host and in the virtual machines with cgroup v2.
// usage (as root): node scripts/resources-table.mjs
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, isMain, output, root, script } from './process.mjs'
import { setUp } from './setup.mjs'
import { runMachines } from './test-vm.mjs'

const files = ['resources', 'resource-effects', 'cpu-effects', 'memory-effects', 'legacy-controllers'].map(
  (name) => `integration/${name}`,
)

/** Why there is no effect to see, by field; `v2`, `hybrid` or both. */
const withoutEffect = {
  'memory.limit -1': { both: 'no limit' },
  'memory.swap': { hybrid: 'none to see without swap, which this host has not: it ends where `memory.limit` does' },
  'memory.swap -1': { both: 'no limit' },
  'memory.reservation': { hybrid: 'counts when the whole host is short of memory, which is not brought about' },
  'memory.kernelTCP': {
    hybrid:
      'none to see: a socket gets its least buffers in any case, and `memory.kmem.tcp.failcnt` of this kernel stays 0',
  },
  'memory.swappiness': { hybrid: 'none to see without swap, which this host has not' },
  'memory.useHierarchy': { both: 'always so since Linux 5.11' },
  'cpu.realtimeRuntime without a period': { hybrid: 'that of the kernel’s own period' },
  'cpu.realtimePeriod without a runtime': { hybrid: 'no time: SCHED_FIFO is EPERM' },
  'pids.limit -1': { both: 'no limit' },
  'blockIO.weight': { both: 'counts between groups that wait for one slow device, which is not brought about' },
  'blockIO.weightDevice': { both: 'as that of `blockIO.weight`' },
  'unified (hugetlb)': { both: 'that of `hugepageLimits`' },
  'network.classID': { hybrid: 'marks packets for tc(8) and iptables(8) of the host' },
  'network.priorities': { hybrid: 'is for the queueing of the host’s interfaces' },
}

const own = 'this host.jsonl'

async function main() {
  setUp('test', { tools: ['test'] })
  const folder = join(root, 'build/resources')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  process.env.RESOURCES_SEEN = join(folder, own)
  const { runLane } = await import('./test-lane.mjs')
  const here = await runLane({ name: 'here', files: files.map((file) => `build/test/${file}.test.js`), jobs: 1 })
  const there = await runMachines({ files, seen: folder })
  if (here.failed + there.failed > 0) throw new Failure('a test has failed')
  // The rows are in the order of this host, which has them all.
  const names = readdirSync(folder).sort((one, other) => Number(other === own) - Number(one === own))
  const seen = names.flatMap((name) => linesOf(join(folder, name)))
  writeFileSync(join(root, 'docs/resources.md'), page(seen))
}

const linesOf = (path) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

function page(seen) {
  const fields = [...new Set(seen.map(({ field }) => field))].sort((one, other) => rank(seen, one) - rank(seen, other))
  return [
    '# Limits and what they do',
    '',
    `Written by \`scripts/resources-table.mjs\` from a run of ${list(files)}: in virtual machines whose only hierarchy is cgroup v2 (\`npm run test:vm\`), and on a hybrid host, with cgroup v1 and a unified hierarchy (Linux ${output('uname', ['-r']).trim()}). Each line is a field of \`linux.resources\`; the files of the container’s cgroup with what was read back from them when \`create\` had returned, or what tsrun says to refuse it; and what a container noticed, or the kernel counted.`,
    '',
    '| field | cgroup v2: file and value | cgroup v2: effect | hybrid host: file and value | hybrid host: effect |',
    '|---|---|---|---|---|',
    ...fields.map((field) => row(field, seen)),
    '',
  ].join('\n')
}

const list = (names) => names.map((name) => `\`test/${name}.test.ts\``).join(', ')

/** Fields in the order of the tests that are about their files; those with tests of their own at the end. */
const rank = (seen, field) => seen.findIndex((one) => one.field === field && isOutcome(one))

const isOutcome = ({ file, refusal, warning }) => (file ?? refusal ?? warning) !== undefined

function row(field, seen) {
  const on = (host) => {
    const here = seen.filter((one) => one.field === field && one.host === host)
    const own = here.filter(({ legacyMount }) => !legacyMount)
    const all = [...own, ...here.filter(({ legacyMount }) => legacyMount)]
    return [outcomes(own, all), effects(all) || why(field, host, all)]
  }
  const cells = [`\`${field}\``, ...on('v2'), ...on('hybrid')]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

/** One machine may lack the controller that another has. */
function outcomes(own, all) {
  const best = own.some(isDone) ? own.filter((one) => !isLack(one)) : own
  const lines = all.filter((one) => isOutcome(one) && (best.includes(one) || one.legacyMount)).map(outcome)
  return unique(lines).join('<br>') || '–'
}

const isLack = ({ refusal = '' }) => / not available\b/.test(refusal)
const isDone = (one) => isOutcome(one) && !isLack(one)

function outcome({ file, value, refusal, warning, legacyMount }) {
  if (refusal !== undefined) return `refused: ${refusal}`
  if (warning !== undefined) return `warning: ${warning}`
  return `\`${file}\`: ${value}${legacyMount ? inMachine : ''}`
}

const inMachine = ' (cgroup v1 hierarchy of a virtual machine)'

const effects = (all) =>
  unique(
    all.filter(({ effect }) => effect).map(({ effect, legacyMount }) => `${effect}${legacyMount ? inMachine : ''}`),
  ).join('<br>')

/** Nothing is to be explained about what is refused. */
const why = (field, host, here) =>
  (here.some(({ file }) => file) && (withoutEffect[field]?.[host] ?? withoutEffect[field]?.both)) || '–'

const unique = (list) => [...new Set(list)]

if (isMain(import.meta.url)) await script(main)

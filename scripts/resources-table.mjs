// Writes docs/resources.md: what each limit did to a container, on this host and in the virtual machines with cgroup v2.
// usage (as root): node scripts/resources-table.mjs
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, isMain, output, root, script } from './process.mjs'
import { setUp } from './setup.mjs'
import { runMachines } from './test-vm.mjs'

const files = ['integration/resources', 'integration/resource-effects']

async function main() {
  setUp('test', { tools: ['test'] })
  const folder = join(root, 'build/resources')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  process.env.RESOURCES_SEEN = join(folder, 'this host.jsonl')
  const { runLane } = await import('./test-lane.mjs')
  const here = await runLane({ name: 'here', files: files.map((file) => `build/test/${file}.test.js`), jobs: 1 })
  const there = await runMachines({ files, seen: folder })
  if (here.failed + there.failed > 0) throw new Failure('a test has failed')
  const seen = readdirSync(folder).flatMap((name) => linesOf(join(folder, name)))
  writeFileSync(join(root, 'docs/resources.md'), page(seen))
}

const linesOf = (path) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

function page(seen) {
  const fields = [...new Set(seen.filter(({ file }) => file).map(({ field }) => field))]
  return [
    '# Limits and what they do',
    '',
    `Written by \`scripts/resources-table.mjs\` from a run of \`test/integration/resources.test.ts\` and \`resource-effects.test.ts\`: on a host with cgroup v1 and a unified hierarchy (Linux ${output('uname', ['-r']).trim()}), and in virtual machines whose only hierarchy is cgroup v2 (\`npm run test:vm\`). Each line is a field of \`linux.resources\`, the files of the container's cgroup with what was read back from them when \`create\` had returned, and what the container noticed.`,
    '',
    '| field | cgroup v2 | cgroup v1 | effect |',
    '|---|---|---|---|',
    ...fields.map((field) => row(seen.filter((one) => one.field === field))),
    '',
  ].join('\n')
}

function row(seen) {
  const [{ field }] = seen
  const values = (version) =>
    unique(seen.filter((one) => one.version === version && one.file).map(({ file, value }) => `\`${file}\`: ${value}`))
  const effects = (version) =>
    unique(seen.filter((one) => one.version === version && one.effect).map(({ effect }) => `v${version}: ${effect}`))
  const cells = [values(2).join('<br>') || '–', values(1).join('<br>') || '–']
  const effect = [...effects(2), ...effects(1)].join('<br>')
  return `| ${[field, ...cells, effect].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

const unique = (list) => [...new Set(list)]

if (isMain(import.meta.url)) await script(main)

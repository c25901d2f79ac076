// Writes docs/engines/table.md from the outcomes that the engines lane has recorded.
// usage: for LANE in engines engines-new; do npm test -- $LANE; RUNTIME=runc npm test -- $LANE; done; node scripts/engines-table.mjs
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fetchEngines } from './newest-engines.mjs'
import { Failure, isMain, output, root, script } from './process.mjs'

/** The packaged engines of this host and those of sid, each with both runtimes: the order of the columns. */
const lanes = ['engines', 'engines-new']
const runtimes = ['runc', 'tsrun']

function main() {
  const columns = lanes.flatMap((lane) => runtimes.map((runtime) => outcomesOf(lane, runtime)))
  const notes = []
  const lines = [...union(columns.map((column) => column.keys()))].flatMap((engine) => [
    `| **${engine}** |${' |'.repeat(columns.length)}`,
    ...[...union(columns.map((column) => column.get(engine)?.keys() ?? []))].map((feature) => {
      const cells = columns.map((column, at) =>
        cell(column.get(engine)?.get(feature), isOfRuntime(columns, at, engine), notes),
      )
      return `| ${feature.replaceAll('|', '\\|')} | ${cells.join(' | ')} |`
    }),
  ])
  writeFileSync(join(root, 'docs/engines/table.md'), page(lines, notes))
}

const union = (lists) => new Set(lists.flatMap((list) => [...list]))

/** Engine → feature → why it does not work, or true. */
function outcomesOf(lane, runtime) {
  const folder = join(root, 'build', lane, runtime)
  try {
    const files = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
    return new Map(
      files.map(({ engine, outcomes }) => [
        engine,
        new Map(outcomes.map(({ feature, reason }) => [feature, reason ?? true])),
      ]),
    )
  } catch {
    throw new Failure(`no outcomes of ${lane} for ${runtime}: run the lane with it before`)
  }
}

/** False where no lane has tried an engine's features with the runtime of a column: images are tsrun's own. */
const isOfRuntime = (columns, at, engine) =>
  columns.some((column, other) => other % runtimes.length === at % runtimes.length && column.has(engine))

function cell(outcome, ofRuntime, notes) {
  if (outcome === true) return 'works'
  if (outcome === undefined) return ofRuntime ? 'not tested' : 'has none'
  const note = outcome
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/(container|tsrun-engine)-\S+/g, 'NAME')
    .slice(0, 420)
  if (!notes.includes(note)) notes.push(note)
  return `no (${notes.indexOf(note) + 1})`
}

/** What the engines below a root directory say of themselves; podman asks /proc for its arguments. */
const versions = (directory) =>
  ['dockerd', 'containerd', 'podman', 'buildah', 'runc']
    .map((name) =>
      output('unshare', ['--mount', 'sh', '-c', inRoot, directory, name, '--version']).split('\n')[0].trim(),
    )
    .join('; ')
const inRoot = 'mount -t proc proc "$0/proc"; exec chroot "$0" "$@"'

function page(lines, notes) {
  return [
    '# Engines and their features',
    '',
    'Written by `scripts/engines-table.mjs` from runs of `npm test -- engines` and `npm test -- engines-new` with each of the two',
    `runtimes, on one machine with Linux ${output('uname', ['-r']).trim()}.`,
    '',
    `- old: ${versions('/')}`,
    `- new, of Debian sid: ${versions(fetchEngines())}`,
    '',
    '| feature | runc, old | tsrun, old | runc, new | tsrun, new |',
    '| --- | --- | --- | --- | --- |',
    ...lines,
    '',
    ...(notes.length > 0 ? ['What does not work, in the words of the test:', ''] : []),
    ...notes.map((note, i) => `${i + 1}. ${note.replaceAll('<', '&lt;')}`),
    '',
  ].join('\n')
}

if (isMain(import.meta.url)) await script(main)

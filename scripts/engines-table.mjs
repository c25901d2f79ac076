// Writes docs/engines/table.md from the outcomes that the engines lane has recorded.
// usage: npm run test:engines; RUNTIME=runc npm run test:engines; node scripts/engines-table.mjs
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, isMain, output, root, script } from './process.mjs'

function main() {
  const tsrun = outcomesOf('tsrun')
  const runc = outcomesOf('runc')
  const notes = []
  const lines = [...tsrun].flatMap(([engine, features]) => [
    `| **${engine}** | | |`,
    ...[...features].map(([feature, reason]) => {
      const cells = [runc.get(engine)?.get(feature), reason].map((outcome) => cell(outcome, notes))
      return `| ${feature.replaceAll('|', '\\|')} | ${cells.join(' | ')} |`
    }),
  ])
  writeFileSync(join(root, 'docs/engines/table.md'), page(lines, notes))
}

/** Engine → feature → why it does not work, or true. */
function outcomesOf(runtime) {
  const folder = join(root, 'build/engines', runtime)
  try {
    const files = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
    return new Map(
      files.map(({ engine, outcomes }) => [
        engine,
        new Map(outcomes.map(({ feature, reason }) => [feature, reason ?? true])),
      ]),
    )
  } catch {
    throw new Failure(`no outcomes for ${runtime}: run the engines lane with it before`)
  }
}

function cell(outcome, notes) {
  if (outcome === true) return 'works'
  if (outcome === undefined) return 'not tested'
  const note = outcome
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/(container|tsrun-engine)-\S+/g, 'NAME')
    .slice(0, 420)
  if (!notes.includes(note)) notes.push(note)
  return `no (${notes.indexOf(note) + 1})`
}

function page(lines, notes) {
  const versions = [
    output('dockerd', ['--version']),
    output('containerd', ['--version']),
    output('podman', ['--version']),
    output('buildah', ['--version']),
    output('runc', ['--version']).split('\n')[0],
    `Linux ${output('uname', ['-r'])}`,
  ]
  return [
    '# Engines and their features',
    '',
    'Written by `scripts/engines-table.mjs` from a run of `npm run test:engines` with each of the two runtimes, on one machine:',
    `${versions.map((version) => version.trim()).join('; ')}.`,
    '',
    '| feature | runc | tsrun |',
    '| --- | --- | --- |',
    ...lines,
    '',
    ...(notes.length > 0 ? ['What does not work, in the words of the test:', ''] : []),
    ...notes.map((note, i) => `${i + 1}. ${note.replaceAll('<', '&lt;')}`),
    '',
  ].join('\n')
}

if (isMain(import.meta.url)) await script(main)

// Writes docs/map.md and its picture from the table of the import fence. usage: node scripts/map.mjs [--check]
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { graph } from './graph.mjs'
import { rooms } from './import-fence.mjs'
import { Failure, isMain, root, script } from './process.mjs'

const files = { 'docs/map.md': map, 'docs/map.svg': picture }

/** Rewrites the map; with `check`, only says that it is old. @throws Failure */
export function updateMap({ check }) {
  for (const [file, make] of Object.entries(files)) {
    const text = make()
    if (readFileSync(join(root, file), { encoding: 'utf8', flag: 'a+' }) === text) continue
    if (check) throw new Failure(`${file} is not what scripts/import-fence.mjs says: run npm run map`)
    writeFileSync(join(root, file), text)
  }
}

/** Where a room is in the repository. */
const place = (name) =>
  ({ errors: '`src/errors.ts`', index: '`src/index.ts`', runtime: 'the other files of `src`' })[name] ??
  `\`src/${name}\``

/** Without an arrow that other arrows say already: the graph would be a knot. */
function arrows(name) {
  const { may } = rooms[name]
  const further = new Set(may.flatMap((other) => reach(other)))
  return may.filter((other) => !further.has(other)).map((other) => [name, other])
}

function picture() {
  return graph(Object.keys(rooms), Object.keys(rooms).flatMap(arrows), 'Which folder of src imports which others')
}

const reach = (name) => rooms[name].may.flatMap((other) => [other, ...reach(other)])

const listed = (names = []) => names.map((name) => `\`${name}\``).join(', ') || '–'

function map() {
  const rows = Object.entries(rooms).map(
    ([name, { does, not, may, types, packages }]) =>
      `| ${place(name)} | ${does} | ${not} | ${listed(may)} | ${listed(types)} | ${listed(Object.keys(packages ?? {}))} |`,
  )
  return `# Map of src

<!-- Written by \`npm run map\` from scripts/import-fence.mjs: change that table. -->

Who may import whom. ESLint keeps it (\`npm run check\`), \`test/unit/import-fence.test.ts\` tries every forbidden way. An arrow that follows from others is left out of the picture; the table has all.

![Which folder imports which others](map.svg)

| place | does | may not | imports | only types of | packages |
|---|---|---|---|---|---|
${rows.join('\n')}
`
}

if (isMain(import.meta.url)) await script((args) => updateMap({ check: args.includes('--check') }))

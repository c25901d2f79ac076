// The tables from which everything on a wire is generated, and the hash that halves of two builds know
// each other by.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './process.mjs'

/** They import nothing, so that the generator can compile them alone. */
export const wireTables = ['src/plan/steps.ts', 'src/native/addon-records.ts', 'src/native/addon-table.ts']

const hashFile = join(root, 'src/plan/wire-hash.ts')

/** Of the tables' source, 32 bits: a comment changes it too, and then both halves are built anew. */
export function wireHash() {
  const hash = createHash('sha256')
  for (const file of wireTables) hash.update(readFileSync(join(root, file)))
  return hash.digest().readUInt32LE(0)
}

/** Writes src/plan/wire-hash.ts where it isn't right; needed before TypeScript is compiled or checked. */
export function updateWireHash() {
  const text = [
    '/** Hash of the wires (scripts/wires.mjs): made by the build, not kept. */',
    `export const wireHash = 0x${wireHash().toString(16)}`,
    '',
  ].join('\n')
  if (!existsSync(hashFile) || readFileSync(hashFile, 'utf8') !== text) writeFileSync(hashFile, text)
}

// Keeps native/sources.list and native/init.list equal to what is in the folders.
// usage: node scripts/sources.mjs [--check]
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, isMain, root, script } from './process.mjs'

const lists = {
  'native/sources.list': [
    'native/addon',
    'native/cgroup',
    'native/image',
    'native/launch',
    'native/library',
    'native/sys',
  ],
  'native/init.list': ['native/init', 'native/sys'],
}

/** Rewrites the lists; with `check`, only says which one is wrong. */
export function updateSources({ check }) {
  for (const [list, folders] of Object.entries(lists)) {
    const files = folders.flatMap((folder) => sourcesIn(folder))
    const text = files.map((file) => file + '\n').join('')
    const old = readFileSync(join(root, list), { encoding: 'utf8', flag: 'a+' })
    if (old === text) continue
    if (check) throw new Failure(`${list} is not what the folders hold: run npm run sources`)
    writeFileSync(join(root, list), text)
  }
}

function sourcesIn(folder) {
  let names = []
  try {
    names = readdirSync(join(root, folder))
  } catch {
    // A folder without files doesn't exist in a clone.
  }
  return names
    .filter((name) => name.endsWith('.cc'))
    .sort()
    .map((name) => `${folder}/${name}`)
}

if (isMain(import.meta.url)) await script((args) => updateSources({ check: args.includes('--check') }))

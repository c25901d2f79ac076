/** Test helper: other engines for the library: newer versions of Node.js from npm's `node` package, and Bun. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { projectRoot } from './tools.js'

/** A program that runs JavaScript; `missing` says why it cannot. */
export interface Engine {
  readonly name: string
  readonly path: string
  readonly missing: string | false
}

/** Outside of the project, for all its checkouts. */
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tsrun-nodes')

/** One major version, installed at its first use. */
function node(major: number): Engine {
  const name = `Node.js ${major}`
  const folder = join(cache, String(major))
  const path = join(folder, 'node_modules/node/bin/node')
  if (existsSync(path)) return { name, path, missing: false }
  const unfinished = `${folder}.${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  writeFileSync(join(unfinished, 'package.json'), '{ "private": true }')
  const install = ['install', '--no-audit', '--no-fund', `node@${major}`]
  const { status } = spawnSync('npm', install, { cwd: unfinished, timeout: 120_000, stdio: 'ignore' })
  // Another test file may have been faster.
  if (status === 0 && !existsSync(folder)) renameSync(unfinished, folder)
  rmSync(unfinished, { recursive: true, force: true })
  return { name, path, missing: existsSync(path) ? false : `npm cannot install node@${major}` }
}

/** The engine of the tests, two newer ones of Node.js, and Bun. */
export function engines(): Engine[] {
  const bun = join(projectRoot, 'node_modules/@oven/bun-linux-x64/bin/bun')
  return [
    { name: `Node.js ${process.versions.node}`, path: process.execPath, missing: false },
    ...[22, 24, 26].map(node),
    { name: 'Bun', path: bun, missing: existsSync(bun) ? false : 'its package is not installed' },
  ]
}

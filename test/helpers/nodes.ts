/** Test helper: other engines for the library: newer versions of Node.js and Bun, from npm. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** A program that runs JavaScript; `missing` says why it cannot. */
export interface Engine {
  readonly name: string
  readonly path: string
  readonly missing: string | false
}

/** Outside of the project, for all its checkouts. */
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tsrun-nodes')

/** A program of an npm package, installed at its first use into a folder of this name; `file`: below node_modules. */
function installed(name: string, folderName: string, wanted: string, file: string): Engine {
  const folder = join(cache, folderName)
  const path = join(folder, 'node_modules', file)
  if (existsSync(path)) return { name, path, missing: false }
  const unfinished = `${folder}.${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  writeFileSync(join(unfinished, 'package.json'), '{ "private": true }')
  const install = ['install', '--no-audit', '--no-fund', wanted]
  const { status } = spawnSync('npm', install, { cwd: unfinished, timeout: 120_000, stdio: 'ignore' })
  // Another test file may have been faster.
  if (status === 0 && !existsSync(folder)) renameSync(unfinished, folder)
  rmSync(unfinished, { recursive: true, force: true })
  return { name, path, missing: existsSync(path) ? false : `npm cannot install ${wanted}` }
}

/** A tool of an npm package that is too large to install with the others; `file`: below node_modules. */
export const packageProgram = (name: string, wanted: string, file: string): Engine =>
  installed(name, name, wanted, file)

/** The newest one of a major version. */
const node = (major: number): Engine => installed(`Node.js ${major}`, String(major), `node@${major}`, 'node/bin/node')

/** The engine of the tests, three newer ones of Node.js, and Bun. */
export function engines(): Engine[] {
  return [
    { name: `Node.js ${process.versions.node}`, path: process.execPath, missing: false },
    ...[22, 24, 26].map(node),
    installed('Bun', 'bun', '@oven/bun-linux-x64@1.4', '@oven/bun-linux-x64/bin/bun'),
  ]
}

// Makes sure that what the scripts need is there: Node, system packages, npm packages, a build.
// Plain Node without dependencies, since it runs before `npm ci`.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from './build.mjs'
import { Failure, root, runQuietly } from './process.mjs'
import { installTools } from './tools.mjs'

const oldestNode = 20

/**
 * Prepares one of the verbs: `start` needs the library, native code and the executable, `test` and
 * `check` the compiled tests as well. `tools` are groups of system programs (tools.mjs) needed besides.
 */
export function setUp(verb, { tools = [] } = {}) {
  if (process.platform !== 'linux') throw new Failure(`tsrun runs on Linux only, this is ${process.platform}`)
  const major = Number(process.versions.node.split('.')[0])
  if (major < oldestNode) {
    throw new Failure(
      `Node.js ${oldestNode} or newer is needed, this is ${process.versions.node}: see https://nodejs.org`,
    )
  }
  installTools(['build', ...tools])
  installPackages()
  build(['library', 'native', 'executable', ...(verb === 'start' ? [] : ['tests'])])
}

/** Runs `npm ci` where packages are missing or not those of the lock file. */
function installPackages() {
  if (packagesMatch(join(root, 'package-lock.json'))) return
  console.log('installing npm packages')
  runQuietly('npm', ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'])
}

function packagesMatch(lock) {
  const installed = packagesOf(join(root, 'node_modules/.package-lock.json'))
  if (!installed) return false
  return Object.entries(packagesOf(lock)).every(([path, { version, optional }]) => {
    const present = installed[path]
    return path === '' || (present ? present.version === version : optional === true)
  })
}

function packagesOf(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : undefined
}

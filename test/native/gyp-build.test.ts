/** `npx node-gyp rebuild` is what npm runs by convention: it must end at the same addon as cmake-js. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, statSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const nodeFolder = dirname(dirname(process.execPath))

/** Why node-gyp can't work here; it downloads nothing in this test. */
function obstacle(): string | false {
  const missing = ['python3', 'cmake', 'make', 'g++'].find((name) => spawnSync(name, ['--version']).error !== undefined)
  if (missing !== undefined) return `needs ${missing}`
  if (!existsSync(join(nodeFolder, 'include/node/common.gypi'))) return "needs Node's headers beside node"
  return false
}

t.test('node-gyp rebuild makes build/Release/tsrun.node', { skip: obstacle() }, (t) => {
  // In a copy: node-gyp begins by removing the build folder that the other tests use.
  const copy = t.testdir()
  for (const name of ['CMakeLists.txt', 'binding.gyp', 'native', 'package.json', 'scripts', 'src', 'tsconfig.json']) {
    cpSync(join(root, name), join(copy, name), { recursive: true })
  }
  const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js')
  symlinkSync(dirname(dirname(dirname(nodeGyp))), join(copy, 'node_modules'))

  const result = spawnSync(process.execPath, [nodeGyp, 'rebuild', `--nodedir=${nodeFolder}`], {
    cwd: copy,
    encoding: 'utf8',
    env: { ...process.env, INIT_CWD: copy },
  })
  t.equal(result.status, 0, result.stdout + result.stderr)
  t.ok(statSync(join(copy, 'build/Release/tsrun.node')).size > 0, 'the addon is there')
  const load = spawnSync(process.execPath, ['-e', "require('./build/Release/tsrun.node')"], {
    cwd: copy,
    encoding: 'utf8',
  })
  t.equal(load.stderr, '', 'and Node loads it')
  t.end()
})

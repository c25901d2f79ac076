// npm's install script: nothing to do where the package holds native code for this platform, else builds it.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { build, prebuiltFolder } from './build.mjs'
import { isMain, root, script } from './process.mjs'
import { installTools } from './tools.mjs'

/** In a clone, `npm ci` is only one step of `npm start`, which builds afterwards. */
const isDependency = () => process.env.INIT_CWD !== root && !existsSync(join(root, '.git'))

function prebuiltLoads() {
  try {
    createRequire(import.meta.url)(join(prebuiltFolder, 'tsrun.node'))
    return true
  } catch {
    // None for this platform, or one for a newer C library.
    return false
  }
}

if (isMain(import.meta.url)) {
  await script(() => {
    if (!isDependency() || prebuiltLoads()) return
    // Installing an npm package must not change the system.
    installTools(['build'], { reportOnly: true })
    build(['native'])
  })
}

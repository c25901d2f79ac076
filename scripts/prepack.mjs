// npm's prepack script: everything built, and the native files where the package keeps them per platform.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { nativeHash, nativeOutputs, prebuiltFolder } from './build.mjs'
import { isMain, root, script } from './process.mjs'
import { setUp } from './setup.mjs'
import { writeStamp } from './stamp.mjs'

if (isMain(import.meta.url)) {
  await script(async () => {
    setUp('test')
    rmSync(prebuiltFolder, { recursive: true, force: true })
    mkdirSync(join(prebuiltFolder, 'test-tools'), { recursive: true })
    for (const name of nativeOutputs) copyFileSync(join(root, 'build/Release', name), join(prebuiltFolder, name))
    copyFileSync(join(root, 'dist/tsrun'), join(prebuiltFolder, 'tsrun'))
    copyFileSync(join(root, 'dist/LICENSE.quickjs'), join(prebuiltFolder, 'LICENSE.quickjs'))
    writeStamp(join(prebuiltFolder, 'build-stamp'), nativeHash())
    // The C programs of the tests, so that those need no compiler either.
    const { tool } = await import('../build/test/helpers/tools.js')
    for (const name of ['probe', 'peer', 'attack', 'seize', 'small']) {
      const path = tool(name)
      copyFileSync(path, join(prebuiltFolder, 'test-tools', basename(path)))
    }
    // npm leaves package-lock.json out of every package.
    copyFileSync(join(root, 'package-lock.json'), join(root, 'npm-lock.json'))
  })
}

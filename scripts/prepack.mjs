// npm's prepack script: everything built, and the native files where the package keeps them per platform.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { nativeHash, nativeOutputs, prebuiltFolder } from './build.mjs'
import { isMain, root, script } from './process.mjs'
import { setUp } from './setup.mjs'
import { writeStamp } from './stamp.mjs'

if (isMain(import.meta.url)) {
  await script(async () => {
    setUp('start')
    rmSync(prebuiltFolder, { recursive: true, force: true })
    mkdirSync(prebuiltFolder, { recursive: true })
    for (const name of nativeOutputs) copyFileSync(join(root, 'build/Release', name), join(prebuiltFolder, name))
    copyFileSync(join(root, 'dist/tsrun'), join(prebuiltFolder, 'tsrun'))
    copyFileSync(join(root, 'dist/LICENSE.quickjs'), join(prebuiltFolder, 'LICENSE.quickjs'))
    writeStamp(join(prebuiltFolder, 'build-stamp'), nativeHash())
    // npm leaves package-lock.json out of every package.
    copyFileSync(join(root, 'package-lock.json'), join(root, 'npm-lock.json'))
  })
}

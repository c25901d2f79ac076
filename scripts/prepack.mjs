// npm's prepack script: everything built, and the native files where the package keeps them per platform.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { nativeOutputs, prebuiltFolder } from './build.mjs'
import { isMain, root, script } from './process.mjs'
import { setUp } from './setup.mjs'

if (isMain(import.meta.url)) {
  await script(async () => {
    setUp('start')
    rmSync(prebuiltFolder, { recursive: true, force: true })
    mkdirSync(prebuiltFolder, { recursive: true })
    for (const name of nativeOutputs) copyFileSync(join(root, 'build/Release', name), join(prebuiltFolder, name))
    copyFileSync(join(root, 'dist/tsrun'), join(prebuiltFolder, 'tsrun'))
    copyFileSync(join(root, 'dist/LICENSE.quickjs'), join(prebuiltFolder, 'LICENSE.quickjs'))
  })
}

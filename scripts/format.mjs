// Formats every file in place. usage: node scripts/format.mjs
import { nativeFiles } from './check.mjs'
import { isMain, packageFile, run, script } from './process.mjs'

if (isMain(import.meta.url)) {
  await script(() => {
    run(process.execPath, [packageFile('prettier', 'bin/prettier.cjs'), '--write', '--log-level=warn', '.'])
    run('clang-format', ['-i', ...nativeFiles()])
  })
}

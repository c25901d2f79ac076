// Everything that is checked without running tsrun. usage: node scripts/check.mjs
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, isMain, output, packageFile, root, run, script } from './process.mjs'
import { setUp } from './setup.mjs'
import { updateSources } from './sources.mjs'
import { filesBelow } from './stamp.mjs'

const node = process.execPath

/** Each prints nothing when all is well and throws a Failure otherwise. */
const checks = {
  types: () => {
    for (const project of ['.', 'test']) run(node, [packageFile('typescript', 'bin/tsc'), '--noEmit', '-p', project])
  },
  eslint: () => run(node, [packageFile('eslint', 'bin/eslint.js'), '--max-warnings=0', '.']),
  prettier: () => run(node, [packageFile('prettier', 'bin/prettier.cjs'), '--check', '--log-level=warn', '.']),
  'clang-format': () => run('clang-format', ['--dry-run', '-Werror', ...nativeFiles()]),
  sources: () => updateSources({ check: true }),
  objects: checkObjects,
}

function main(names) {
  setUp('check', { tools: ['check'] })
  const failed = []
  for (const name of names.length > 0 ? names : Object.keys(checks)) {
    try {
      checks[name]()
      console.log(`${name}: ok`)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      console.error(`${name}: ${error.message}`)
      failed.push(name)
    }
  }
  if (failed.length > 0) throw new Failure(`check failed: ${failed.join(', ')}`)
}

/** C++ files that clang-format looks at. */
export const nativeFiles = () => filesBelow('native').filter((file) => /\.(cc|h)$/.test(file))

/**
 * tsrun-init runs between clone and execve as a copy of a threaded process's child and as the
 * container's root: it has no heap and no exceptions, so nothing in its objects may ask for them.
 */
function checkObjects() {
  const folder = join(root, 'build/cmake/CMakeFiles/tsrun-init.dir')
  if (!existsSync(folder)) throw new Failure('tsrun-init was not compiled here (the prebuilt one is in use)')
  const objects = filesBelow('build/cmake/CMakeFiles/tsrun-init.dir').filter((file) => file.endsWith('.o'))
  const banned =
    / U (operator (new|delete)\b|(malloc|free|calloc|realloc|reallocarray)$|__cxa_|__gxx_personality|_Unwind_)/
  const found = output('nm', ['-uC', '-A', ...objects])
    .split('\n')
    .filter((line) => banned.test(line))
  if (found.length > 0) throw new Failure(`heap or exceptions in tsrun-init:\n${found.join('\n')}`)
}

if (isMain(import.meta.url)) await script(main)

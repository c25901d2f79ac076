// Everything that is checked without running tsrun. usage: node scripts/check.mjs
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { updateGrowthPicture } from '../bench/growth-picture.mjs'
import { checkApi } from './api.mjs'
import { checkKernelHeaders } from './kernel-headers.mjs'
import { checkLinks } from './links.mjs'
import { updateMap } from './map.mjs'
import { Failure, isMain, output, packageFile, root, run, script } from './process.mjs'
import { setUp } from './setup.mjs'
import { updateSources } from './sources.mjs'
import { filesBelow } from './stamp.mjs'
import { checkTargets } from './test-fuzz.mjs'
import { checkMutations } from './test-mutations.mjs'
import { checkVersion } from './version.mjs'

const node = process.execPath

/**
 * Each throws a Failure when all is not well. It prints nothing, and may return words for what it has found.
 * Types are checked by the build before.
 */
const checks = {
  eslint: () => run(node, [packageFile('eslint', 'bin/eslint.js'), '--max-warnings=0', '.']),
  prettier: () =>
    run(node, [packageFile('prettier', 'bin/prettier.cjs'), '--check', '--cache', '--log-level=warn', '.']),
  'clang-format': () => run('clang-format', ['--dry-run', '-Werror', ...nativeFiles()]),
  'clang-tidy': checkNativeCode,
  sources: () => updateSources({ check: true }),
  links: checkLinks,
  version: checkVersion,
  map: () => updateMap({ check: true }),
  growth: () => updateGrowthPicture({ check: true }),
  objects: checkObjects,
  api: checkApi,
  mutations: checkMutations,
  fuzz: checkTargets,
  'kernel-headers': checkKernelHeaders,
}

function main(names) {
  setUp('check', { tools: ['check'] })
  const failed = []
  for (const name of names.length > 0 ? names : Object.keys(checks)) {
    try {
      const words = checks[name]()
      console.log(`${name}: ${words ?? 'ok'}`)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      console.error(`${name}: ${error.message}`)
      failed.push(name)
    }
  }
  if (failed.length > 0) throw new Failure(`check failed: ${failed.join(', ')}`)
}

/** C++ files that clang-format looks at. */
export const nativeFiles = () => filesBelow('native', 'test/fuzz').filter((file) => /\.(cc|h)$/.test(file))

/** What clang-tidy has to say about each file that is compiled, as many at once as there are processors. */
function checkNativeCode() {
  const database = join(root, 'build/cmake/compile_commands.json')
  if (!existsSync(database)) throw new Failure('nothing was compiled here (the prebuilt addon is in use)')
  const files = JSON.parse(readFileSync(database, 'utf8'))
    .map(({ file }) => file)
    .filter((file) => file.startsWith(join(root, 'native/')) && file.endsWith('.cc'))
  const flags = ['-p', dirname(database), '--quiet', '--extra-arg=-Qunused-arguments']
  const args = [`-P${availableParallelism()}`, '-n3', 'clang-tidy', ...flags]
  const { status, stdout } = spawnSync('xargs', args, { input: [...new Set(files)].join('\n'), encoding: 'utf8' })
  if (status !== 0) throw new Failure(`clang-tidy:\n${stdout}`)
}

/**
 * What no object of tsrun-init may ask for, by the names that nm prints. It runs between clone and execve as a copy of a
 * threaded process's child and as the container's root: no heap, no exceptions; no stdio, which has buffers and locks; no
 * locale and no lookup of users or hosts, which read files of the image; nothing that loads code.
 */
const banned = {
  'heap or exceptions':
    /^(operator (new|delete)\b.*|malloc|free|calloc|realloc|reallocarray|strn?dup|__cxa_\w+|__gxx_personality\w*|_Unwind_\w+)$/,
  stdio:
    /^(v?[fsd]?n?printf|v?snprintf|__\w*printf_chk|v?[fs]?scanf|f?puts|f?putc|putchar|fopen|fdopen|fclose|fread|fwrite|fflush|f?gets|getline|perror|std(in|out|err))$/,
  locale:
    /^((set|new|use|dup)locale|localeconv|nl_langinfo|str(to[dfl]|ftime|coll|xfrm)|iswalpha|mbs?r?towcs?|wcs?r?tombs?|gettext)$/,
  'users and hosts': /^(get(pw|gr)(nam|[ug]id|ent)(_r)?|initgroups|getgrouplist|getaddrinfo|gethostbyname)$/,
  'loading code': /^(dlopen|dlsym|dlmopen|system|popen|execvp|execlp)$/,
}

/** What a line of `nm -uC` says against an object of tsrun-init; undefined when nothing. */
export function objectionTo(line) {
  const symbol = / U (.+?)(@.*)?$/.exec(line)?.[1] ?? ''
  return Object.keys(banned).find((kind) => banned[kind].test(symbol))
}

function checkObjects() {
  const folder = join(root, 'build/cmake/CMakeFiles/tsrun-init.dir')
  if (!existsSync(folder)) throw new Failure('tsrun-init was not compiled here (the prebuilt one is in use)')
  const objects = filesBelow('build/cmake/CMakeFiles/tsrun-init.dir').filter((file) => file.endsWith('.o'))
  const found = output('nm', ['-uC', '-A', ...objects])
    .split('\n')
    .flatMap((line) => (objectionTo(line) === undefined ? [] : [`${objectionTo(line)}: ${line}`]))
  if (found.length > 0) throw new Failure(`tsrun-init may not have:\n${found.join('\n')}`)
}

if (isMain(import.meta.url)) await script(main)

// Runs native code under sanitizers: the engine's Node-API (and with garbage collected at each allocation), the addon in Node.js.
// usage: node scripts/test-sanitizers.mjs [engine|collect|addon|threads ...]     (default: all)
// With `addon` and `threads` tsrun-init traps on undefined behaviour. Leaks are looked for in the engine alone: Node.js has its own.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildJudge } from './engine.mjs'
import { Failure, isMain, output, packageFile, run, script } from './process.mjs'
import { setUp } from './setup.mjs'
import { copyTree } from './test-mutations.mjs'

/** What the program that tests the engine is made with. */
const engines = { engine: { sanitize: 'address,undefined' }, collect: { collect: true } }
const engineTests = ['test/native/twin.test.ts', 'test/native/js-native-api.test.ts']

const libraryTests = ['abort', 'handles', 'run', 'streams', 'syscalls'].map((name) => `integration/library-${name}`)
// None with CRIU, which would begin with the libraries as well.
const addonTests = [
  ...['device-filter', 'fd-leaks', 'hostile-plan', 'mount-label', 'second-lines', 'seccomp-program', 'store-lock'].map(
    (name) => `native/${name}`,
  ),
  ...['exec-library', 'images-library'].map((name) => `integration/${name}`),
  ...libraryTests,
]

/** What the addon is made with, whose libraries Node.js then begins with, and the files that call it from there. */
const addons = {
  addon: { sanitize: 'address,undefined', libraries: ['libasan.so', 'libubsan.so'], tests: addonTests },
  threads: { sanitize: 'thread', libraries: ['libtsan.so'], tests: libraryTests },
}

function main(names) {
  setUp('test', { tools: ['test'] })
  const all = [...Object.keys(engines), ...Object.keys(addons)]
  const failed = []
  for (const name of names.length > 0 ? names : all) {
    if (!all.includes(name)) throw new Failure(`unknown kind ${name}: ${all.join(' ')}`)
    console.log(`\n${name}`)
    try {
      if (name in engines) testEngine(engines[name])
      else testAddon(addons[name])
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      console.error(error.message)
      failed.push(name)
    }
  }
  if (failed.length > 0) throw new Failure(`failed: ${failed.join(' ')}`)
}

function testEngine(kind) {
  const program = buildJudge(kind)
  if (program === undefined) throw new Failure('this machine has no sources of the engine')
  // Where the program holds its sanitizers, what is wrong ends it with a status of its own.
  const options = { ASAN_OPTIONS: 'detect_leaks=1', UBSAN_OPTIONS: 'print_stacktrace=1' }
  run(process.execPath, ['scripts/test.mjs', ...engineTests], {
    env: { ...process.env, TSRUN_JUDGE: program, ...options },
  })
}

/** In a copy of the tree, whose addon is made anew. The executable there is as it was: it has no sanitizers. */
function testAddon({ sanitize, libraries, tests }) {
  const copy = mkdtempSync(join(tmpdir(), 'tsrun-sanitizers-'))
  try {
    copyTree(copy)
    rmSync(join(copy, 'build/cmake'), { recursive: true })
    const flags = ['--prefer-make', '--log-level', 'warn', '--parallel', '2', `--CDTSRUN_SANITIZE=${sanitize}`]
    const folders = ['--directory', copy, '--out', join(copy, 'build/cmake')]
    output(process.execPath, [packageFile('cmake-js', 'bin/cmake-js'), 'build', ...flags, ...folders], { cwd: copy })
    const files = tests.map((name) => `build/test/${name}.test.js`)
    const lane = `import { runLane } from '${copy}/scripts/test-lane.mjs'
      const { failed } = await runLane(${JSON.stringify({ name: sanitize, files, jobs: 2, timeout: 900 })})
      process.exitCode = failed > 0 ? 1 : 0`
    const found = join(copy, 'found')
    const preload = libraries.map((name) => output('gcc', [`-print-file-name=${name}`]).trim()).join(':')
    // setarch: ThreadSanitizer of GCC 12 knows fewer places for programs than kernels since 6.6 use.
    const program = ['-R', 'env', `LD_PRELOAD=${preload}`, process.execPath, '--input-type=module', '-e', lane]
    const env = {
      ...process.env,
      ASAN_OPTIONS: `detect_leaks=0:handle_segv=0:log_path=${found}`,
      UBSAN_OPTIONS: `print_stacktrace=1:log_path=${found}`,
      TSAN_OPTIONS: `ignore_noninstrumented_modules=1:report_signal_unsafe=0:log_path=${found}`,
    }
    try {
      run('setarch', program, { cwd: copy, env })
    } finally {
      const reports = readdirSync(copy).filter((name) => name.startsWith('found.'))
      for (const name of reports) console.log(readFileSync(join(copy, name), 'utf8'))
      if (reports.length > 0) throw new Failure(`${reports.length} reports of the sanitizers`)
    }
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

if (isMain(import.meta.url)) await script(main)

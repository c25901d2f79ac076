// Runs the engine's Node-API under sanitizers, and with garbage collected at each allocation: the twin addon and Node's own tests.
// usage: node scripts/test-sanitizers.mjs [address,undefined|collect ...]     (default: all)
import { buildJudge } from './engine.mjs'
import { Failure, isMain, run, script } from './process.mjs'
import { setUp } from './setup.mjs'

const kinds = {
  'address,undefined': { sanitize: 'address,undefined' },
  collect: { collect: true },
}
const tests = ['test/native/twin.test.ts', 'test/native/js-native-api.test.ts']

function main(names) {
  setUp('test', { tools: ['test'] })
  const failed = []
  for (const name of names.length > 0 ? names : Object.keys(kinds)) {
    if (!Object.hasOwn(kinds, name)) throw new Failure(`unknown kind ${name}: ${Object.keys(kinds).join(' ')}`)
    const program = buildJudge(kinds[name])
    if (program === undefined) throw new Failure('this machine has no sources of the engine')
    console.log(`\n${name}`)
    // Where the program holds its sanitizers, what is wrong ends it with a status of its own.
    const env = {
      ...process.env,
      TSRUN_JUDGE: program,
      ASAN_OPTIONS: 'detect_leaks=1',
      UBSAN_OPTIONS: 'print_stacktrace=1',
    }
    try {
      run(process.execPath, ['scripts/test.mjs', ...tests], { env })
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      failed.push(name)
    }
  }
  if (failed.length > 0) throw new Failure(`failed: ${failed.join(' ')}`)
}

if (isMain(import.meta.url)) await script(main)

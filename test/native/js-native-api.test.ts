/**
 * Node's own tests of Node-API, of Debian's source package, on the engine of the executable. What is skipped has its reason in
 * test/helpers/judge/skipped.txt, and must not pass.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { judge, nodeApiHeaders, nodeTests } from '../helpers/judge.js'
import { projectRoot } from '../helpers/tools.js'

const helpers = join(projectRoot, 'test/helpers/judge')
const program = await judge()
const suites = await nodeTests()
const addons = mkdtempSync(join(tmpdir(), 'js-native-api-'))
t.teardown(() => {
  rmSync(addons, { recursive: true, force: true })
})

const skipped = new Map(
  readFileSync(join(helpers, 'skipped.txt'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [name = '', reason = ''] = line.split(/: (.*)/)
      return [name, reason] as const
    }),
)

interface Target {
  target_name: string
  sources: string[]
  defines?: string[]
}

/** Compiles what a suite's binding.gyp names: Python, but these files are JSON with comments and commas at the end. */
function compile(folder: string, output: string): void {
  const text = readFileSync(join(folder, 'binding.gyp'), 'utf8')
    .replace(/#.*/g, '')
    .replaceAll("'", '"')
    .replace(/,(\s*[\]}])/g, '$1')
  const { targets } = JSON.parse(text) as { targets: Target[] }
  mkdirSync(output)
  for (const { target_name: name, sources, defines = [] } of targets) {
    const options = ['-w', '-O1', '-fPIC', '-shared', nodeApiHeaders, `-DNODE_GYP_MODULE_NAME=${name}`]
    const version = defines.some((define) => define.startsWith('NAPI_VERSION')) ? [] : ['-DNAPI_VERSION=10']
    const macros = [...version, ...defines.map((define) => `-D${define}`)]
    const compiler = sources.some((file) => file.endsWith('.cc')) ? 'g++' : 'gcc'
    execFileSync(compiler, [...options, ...macros, ...sources, '-o', join(output, `${name}.node`)], { cwd: folder })
  }
}

/** What a test says where it fails; undefined where it passes. */
function run(program: string, folder: string, output: string, test: string): string | undefined {
  const args = [join(helpers, 'prelude.js'), folder, output, test]
  const { status, signal, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 300_000 })
  return status === 0 ? undefined : `${signal ?? String(status)}: ${stdout}${stderr}`
}

/** Runs one suite and returns the names of its tests. */
function runSuite(program: string, suites: string, suite: string): string[] {
  const [folder, output] = [join(suites, suite), join(addons, suite)]
  compile(folder, output)
  const tests = readdirSync(folder).filter((name) => name.endsWith('.js'))
  for (const test of tests) {
    const name = `${suite}/${test}`
    const failure = run(program, folder, output, test)
    const reason = skipped.get(name)
    if (reason === undefined) t.equal(failure, undefined, name)
    else if (failure === undefined) t.fail(`${name} passes: it is skipped for no reason (${reason})`)
    else t.pass(name, { skip: reason })
  }
  return tests.map((test) => `${suite}/${test}`)
}

if (program === undefined || 'reason' in suites) {
  const reason = 'reason' in suites ? suites.reason : 'needs the engine, which this machine has not'
  t.pass("Node's tests", { skip: reason })
} else {
  const { folder } = suites
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const found = names.flatMap(({ name }) => runSuite(program, folder, name))
  const unknown = [...skipped.keys()].filter((name) => !found.includes(name))
  t.same(unknown, [], 'each test that is skipped exists')
}

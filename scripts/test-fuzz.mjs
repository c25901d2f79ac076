// Fuzzes every parser of the C++ code under ASan and UBSan with libFuzzer, then what TypeScript parses.
// usage: node scripts/test-fuzz.mjs [SECONDS] [TARGET ...]     (default: 60 seconds for each test/fuzz/TARGET.cc, and TypeScript's)
// SECONDS 0: only the corpus. What ends a target is kept in build/fuzz; `--keep` adds to the corpus what has led somewhere new.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure, isMain, packageFile, root, script } from './process.mjs'
import { setUp } from './setup.mjs'

const at = (path) => join(root, path)
const node = process.execPath
/** What TypeScript parses: random documents, profiles, command lines, records. */
const files = ['config', 'parsers', 'seccomp'].map((name) => `test/soak/${name}.test.ts`)

export const targets = () =>
  readdirSync(at('test/fuzz'))
    .filter((name) => name.endsWith('.cc'))
    .map((name) => name.replace('.cc', ''))

function main(all) {
  const keep = all.includes('--keep')
  const args = all.filter((arg) => arg !== '--keep')
  const seconds = /^\d+$/.test(args[0] ?? '') ? Number(args.shift()) : 60
  const unknown = args.find((name) => name !== 'typescript' && !targets().includes(name))
  if (unknown !== undefined) throw new Failure(`unknown target ${unknown}: ${targets().join(', ')}, typescript`)
  setUp('fuzz', { tools: ['fuzz'] })
  const chosen = args.length > 0 ? args : [...targets(), 'typescript']
  const failed = chosen.filter(
    (name) => !(name === 'typescript' ? fuzzTypeScript(seconds) : fuzz(name, { seconds, keep })),
  )
  console.log(`\n${chosen.length - failed.length} passed, ${failed.length} failed, 0 skipped`)
  return failed.length === 0 ? 0 : 1
}

/** Builds a target and runs it. @returns whether it has come through */
function fuzz(name, { seconds, keep }) {
  const program = build(name)
  // Open to everybody: a target that works on files gives up its rights first.
  const work = mkdtempSync(join(tmpdir(), 'tsrun-fuzz-'))
  chmodSync(work, 0o777)
  try {
    const kept = at(`test/fuzz/corpus/${name}`)
    const corpus = join(work, 'corpus')
    mkdirSync(corpus)
    if (existsSync(kept)) cpSync(kept, corpus, { recursive: true })
    chmodSync(corpus, 0o777)
    const { status, signal, stderr } = runTarget(program, work, [
      seconds === 0 ? '-runs=0' : `-max_total_time=${seconds}`,
      corpus,
    ])
    const count = /number_of_executed_units: *(\d+)/.exec(stderr)?.[1] ?? '?'
    const coverage = [...stderr.matchAll(/cov: (\d+) ft: (\d+)/g)].at(-1)?.[1] ?? '?'
    const end = status === 0 ? 'nothing found' : `ended by ${signal ?? `status ${status}`}`
    console.log(`${name}: ${count} inputs, coverage ${coverage}, ${end}`)
    if (status !== 0) report(name, work, stderr)
    else if (keep) keepCorpus(program, { work, corpus, kept })
    return status === 0
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function runTarget(program, work, args) {
  // A short text is all that these parsers ever get; a longer one only takes time.
  const limits = ['-max_len=16384', '-timeout=20', '-rss_limit_mb=2048', '-print_final_stats=1']
  return spawnSync(program, [`-artifact_prefix=${work}/found-`, ...limits, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: {
      ...process.env,
      ASAN_OPTIONS: 'allocator_may_return_null=1:quarantine_size_mb=16',
      UBSAN_OPTIONS: 'print_stacktrace=1',
    },
  })
}

/** Shows what has been found, and keeps the input. */
function report(name, work, stderr) {
  const lines = stderr.split('\n').filter((line) => !/^#\d+\t|^stat::/.test(line))
  console.log(lines.slice(0, 60).join('\n'))
  for (const file of readdirSync(work).filter((one) => one.startsWith('found-'))) {
    cpSync(join(work, file), at(`build/fuzz/${name}-${file}`))
    console.log(`input: build/fuzz/${name}-${file}`)
  }
}

/** The smallest set of inputs that reaches all that was reached. */
function keepCorpus(program, { work, corpus, kept }) {
  const smallest = join(work, 'smallest')
  mkdirSync(smallest)
  chmodSync(smallest, 0o777)
  runTarget(program, work, ['-merge=1', smallest, corpus])
  rmSync(kept, { recursive: true, force: true })
  cpSync(smallest, kept, { recursive: true })
}

/** Compiles one target with all that it includes. */
function build(name) {
  const program = at(`build/fuzz/${name}.out`)
  mkdirSync(at('build/fuzz'), { recursive: true })
  const args = [
    ...sourceFlags(),
    ...['-g', '-O1', '-fno-omit-frame-pointer', '-fsanitize=fuzzer,address,undefined'],
    ...['-fno-sanitize-recover=undefined', '-Wall', '-Wextra', '-Wno-unused-function'],
    ...['-o', program, at(`test/fuzz/${name}.cc`)],
    // A target takes a part of each file: what the other parts would call is not there.
    ...['-no-pie', '-Wl,--unresolved-symbols=ignore-all', '-larchive', '-lz', '-lzstd', '-lnettle', '-lpthread'],
  ]
  const { status, stderr } = spawnSync('clang++', args, { encoding: 'utf8' })
  if (status !== 0) throw new Failure(`cannot compile test/fuzz/${name}.cc:\n${stderr}`)
  return program
}

/** What every compiler needs to read a target. */
function sourceFlags() {
  const headers = [packageFile('node-addon-api', '.'), packageFile('node-api-headers', 'include')]
  return [
    ...['-std=c++20', '-D_GNU_SOURCE', '-DNAPI_VERSION=9', '-DNAPI_CPP_EXCEPTIONS'],
    ...['-iquote', at('native'), '-iquote', at('build/generated'), ...headers.flatMap((path) => ['-isystem', path])],
  ]
}

/** Targets include sources, and call what is internal there: they must follow them. For `npm run check`, by any compiler. */
export function checkTargets() {
  for (const name of targets()) {
    const args = ['-fsyntax-only', ...sourceFlags(), at(`test/fuzz/${name}.cc`)]
    const { status, stderr } = spawnSync('c++', args, { encoding: 'utf8' })
    if (status !== 0) throw new Failure(`test/fuzz/${name}.cc cannot be compiled:\n${stderr}`)
  }
}

/** About a thousand documents a second, and as many of all else. */
function fuzzTypeScript(seconds) {
  const DOCUMENTS = String(Math.max(seconds, 1) * 1000)
  const env = { ...process.env, DOCUMENTS, CREATES: String(seconds) }
  return spawnSync(node, ['scripts/test.mjs', ...files], { cwd: root, stdio: 'inherit', env }).status === 0
}

if (isMain(import.meta.url)) await script(main)

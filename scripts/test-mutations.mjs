// Takes away one defence at a time and expects a test to notice. usage: node scripts/test-mutations.mjs [NAME ...]
// Each test/mutations/NAME.patch begins with what it takes away and with the test that must then be red. Everything
// happens in a copy of the tree; the last line is `N passed, N failed, N skipped`.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { Failure, isMain, output, root, script } from './process.mjs'

const folder = 'test/mutations'
/** Milliseconds for one build or one test file. */
const limit = 900_000

/** All mutations: name, patch, what it takes away, and the test file that notices. */
export function mutations() {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.patch'))
    .map((name) => {
      const patch = join(root, folder, name)
      const [, what, test] = /^Takes away: (.+)\nRed: (\S+)\n/.exec(readFileSync(patch, 'utf8')) ?? []
      if (test === undefined) throw new Failure(`${folder}/${name} does not begin with "Takes away: " and "Red: "`)
      return { name: name.replace('.patch', ''), patch, what, test }
    })
}

/** A patch that fits no more would test nothing. @throws Failure */
export function checkMutations() {
  for (const { name, patch } of mutations()) {
    const { status, stderr } = spawnSync('git', ['apply', '--check', patch], { cwd: root, encoding: 'utf8' })
    if (status !== 0) throw new Failure(`${folder}/${name}.patch does not fit the code any more:\n${stderr}`)
  }
}

function main(names) {
  const chosen = mutations().filter(({ name }) => names.length === 0 || names.includes(name))
  if (chosen.length < Math.max(names.length, 1)) throw new Failure(`no such mutation: ${names.join(' ')}`)
  const copy = mkdtempSync(join(tmpdir(), 'tsrun-mutations-'))
  try {
    copyTree(copy)
    const before = new Map()
    const counts = { passed: 0, failed: 0, skipped: 0 }
    for (const mutation of chosen) {
      const { test } = mutation
      if (!before.has(test)) before.set(test, runTest(copy, test))
      const { outcome, text } = before.get(test).skipped
        ? { outcome: 'skipped', text: 'this host cannot run it' }
        : mutate(copy, mutation, before.get(test).red)
      counts[outcome]++
      console.log(`${outcome.padEnd(7)} ${mutation.name}: ${mutation.what}\n        ${test}: ${text}`)
    }
    console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
    return counts.failed === 0 && counts.passed > 0 ? 0 : 1
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

/** With what has been built, so that only what a mutation changes is built again; CMake begins anew at a new place. */
export function copyTree(copy) {
  const left = new Set(['node_modules', '.git', '.tap', 'build/engine/cmake'])
  cpSync(root, copy, { recursive: true, filter: (path) => !left.has(relative(root, path)), preserveTimestamps: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
}

/** `before`: what is red without the mutation too, and says nothing. */
function mutate(copy, { patch, test }, before) {
  output('git', ['apply', patch], { cwd: copy })
  try {
    const build = run(copy, ['scripts/build.mjs', 'library', 'native', 'executable'])
    if (build.status !== 0) return { outcome: 'failed', text: `does not build\n${build.stderr}` }
    const { red: all, out } = runTest(copy, test)
    const red = all.filter((name) => !before.includes(name))
    const names = red.map((name) => `not ok: ${name}`).join('\n          ')
    return red.length > 0
      ? { outcome: 'passed', text: `red as it must be\n          ${names}` }
      : { outcome: 'failed', text: `nobody has noticed\n${out}` }
  } finally {
    output('git', ['apply', '-R', patch], { cwd: copy })
  }
}

/** Runs a test file in the copy, after what it needs has been built. */
function runTest(copy, test) {
  const build = run(copy, ['scripts/build.mjs', 'library', 'native', 'executable'])
  if (build.status !== 0) throw new Failure(`the copy does not build:\n${build.stdout}${build.stderr}`)
  const { stdout, stderr } = run(copy, ['scripts/test.mjs', test])
  const red = [...stdout.matchAll(/^ +not ok: (.+)$/gm)].map(([, name]) => name)
  return {
    red,
    skipped: /\n0 passed, 1 failed/.test(stdout) && red.length === 0,
    out: stdout + stderr,
  }
}

const run = (copy, args) =>
  spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8', maxBuffer: 1 << 28, timeout: limit })

if (isMain(import.meta.url)) await script(main)

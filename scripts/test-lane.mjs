// Runs the files of one lane with tap and reads its output: one line per file, details of what failed or was skipped.
import { spawn } from 'node:child_process'
import { Parser } from 'tap-parser'
import { packageFile, root } from './process.mjs'

/**
 * Runs the files, prints what happened and returns how many tests passed, failed and were skipped. `timeout`: seconds
 * for a file, if not tap's; `env`: variables besides those of this process; `comments`: print what tests tell (`t.comment`);
 * `direct`: one after the other, without tap's runner and without time limits.
 */
export async function runLane({ name, files, ...options }) {
  console.log(`\n${name}`)
  const counts = { passed: 0, failed: 0, skipped: 0 }
  if (files.length === 0) {
    console.log('  no test files')
    return { ...counts, failed: 1 }
  }
  const reasons = new Map()
  for await (const file of runTwice(files, options)) {
    for (const key of Object.keys(counts)) counts[key] += file[key].length
    for (const { reason } of file.skipped) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  }
  for (const [reason, count] of reasons) console.log(`  skipped ${count}: ${reason}`)
  console.log(`  ${name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
  if (counts.passed === 0 && counts.failed === 0) {
    console.log(`  every test was skipped: the lane has not passed`)
    counts.failed = 1
  }
  return counts
}

/**
 * Yields and prints one result per file. In continuous integration a file that fails is run once more, alone, and
 * its second result counts: there a test that fails by chance must not hide whether the change is good. What has
 * failed is printed all the same, and named as unstable at the end.
 */
async function* runTwice(files, options) {
  const again = []
  for await (const file of runFiles(files, options)) {
    printFile(file, options)
    if (process.env.CI && file.failed.length > 0) again.push(file.name)
    else yield file
  }
  if (again.length === 0) return
  console.log(`  once more, alone: ${again.length} of ${files.length}`)
  for await (const file of runFiles(again, { ...options, jobs: 1 })) {
    printFile(file, options)
    if (file.failed.length === 0) console.log(`  UNSTABLE: ${file.name} has failed once and passed once`)
    yield file
  }
}

/** Yields one result per file, as tap finishes them. */
async function* runFiles(files, { jobs, timeout, env, direct = false }) {
  if (direct) {
    for (const file of files) yield runDirectly(file)
    return
  }
  const limit = timeout === undefined ? [] : [`--timeout=${timeout}`]
  const args = [packageFile('tap', 'dist/esm/run.mjs'), 'run', '--reporter=tap', `--jobs=${jobs}`, ...limit, ...files]
  const tap = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => tap.on('close', resolve))
  const parser = new Parser()
  const results = []
  let wake = () => {}
  let finished = false
  parser.on('child', (child) => results.push(collect(child)))
  parser.on('assert', (assert) => {
    const file = results.findLast((result) => result.name === assert.name)
    if (file) closeFile(file, assert)
    wake()
  })
  parser.on('complete', () => {
    finished = true
    wake()
  })
  tap.stdout.pipe(parser)
  for (let at = 0; ;) {
    while (at < results.length && results[at].closed) yield results[at++]
    if (finished) break
    await new Promise((resolve) => (wake = resolve))
  }
  await ended
  // A file that tap never got to report, for example when tap itself was killed.
  const reported = new Set(results.filter(({ closed }) => closed).map(({ name }) => name))
  for (const name of files.filter((file) => !reported.has(file))) yield lost(name)
}

async function runDirectly(name) {
  const began = performance.now()
  const env = { ...process.env, TAP_TIMEOUT: '3600' }
  const test = spawn(process.execPath, [name], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const parser = new Parser({ name })
  const file = collect(parser)
  let final
  parser.on('complete', (results) => (final = results))
  test.stdout.pipe(parser)
  const [status, signal] = await new Promise((resolve) => test.on('close', (...end) => resolve(end)))
  const time = performance.now() - began
  const { plan, ok = false } = final ?? {}
  if (plan?.skipAll) closeFile(file, { ok: true, skip: plan.skipReason, time, name })
  else closeFile(file, { ok: ok && status === 0, time, name, diag: { exitCode: status, signal } })
  return file
}

/** Gathers the top-level tests of one file. */
function collect(parser) {
  const file = { name: parser.name, passed: [], failed: [], skipped: [], comments: [], time: 0, closed: false }
  const subtests = []
  parser.on('child', (child) => {
    subtests.push(watch(child))
    child.on('comment', (text) => {
      if (!text.startsWith('# Subtest: ')) file.comments.push(`${child.name}: ${text.slice(2).trim()}`)
    })
  })
  parser.on('assert', (assert) => {
    const subtest = subtests.findLast(({ name }) => name === assert.name)
    if (!assert.ok && !assert.todo)
      file.failed.push({ name: assert.name, details: subtest?.failures ?? [describe(assert)] })
    else if (assert.skip) file.skipped.push({ name: assert.name, reason: reasonOf(assert) })
    else if (subtest && subtest.points > 0 && subtest.skips.length === subtest.points) {
      file.skipped.push({ name: assert.name, reason: subtest.skips[0] })
    } else file.passed.push({ name: assert.name })
  })
  return file
}

/** Follows a subtest and what is nested in it: its assertions that failed, those that were skipped. */
function watch(parser, found = { name: parser.name, points: 0, skips: [], failures: [] }) {
  const nested = new Set()
  parser.on('child', (child) => {
    nested.add(child.name)
    watch(child, found)
  })
  parser.on('assert', (assert) => {
    if (nested.delete(assert.name) && !assert.skip) return
    found.points++
    if (assert.skip) found.skips.push(reasonOf(assert))
    if (!assert.ok && !assert.todo) found.failures.push(describe(assert))
  })
  return found
}

/** The file's own result: skipped as a whole, or failed by exit status, signal or timeout though its tests passed. */
function closeFile(file, assert) {
  file.closed = true
  file.time = assert.time ?? 0
  if (assert.skip) file.skipped.push({ name: file.name, reason: reasonOf(assert) })
  else if (!assert.ok && file.failed.length === 0) file.failed.push({ name: file.name, details: [describe(assert)] })
}

const lost = (name) => ({
  name,
  time: 0,
  passed: [],
  failed: [{ name, details: ['no result: the test runner has ended before'] }],
  skipped: [],
  comments: [],
})

const reasonOf = ({ skip }) => (typeof skip === 'string' && skip !== '' ? skip : 'no reason given')

/** An assertion that failed, with the parts of tap's diagnosis that help. */
function describe({ name, diag }) {
  const { source, stack, at, diff, found, wanted, message, exitCode, signal, expired, timeout, error } = diag ?? {}
  const place = stack ?? (at ? `${at.fileName}:${at.lineNumber}` : undefined)
  const facts = { error, message, diff, found, wanted, source, exitCode, signal, expired, timeout, at: place }
  const lines = Object.entries(facts)
    .filter(([key, value]) => value !== undefined && value !== null && !(diff && (key === 'found' || key === 'wanted')))
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? value.trimEnd() : JSON.stringify(value, null, 2)}`)
  return [name, ...lines].join('\n')
}

function printFile({ name, passed, failed, skipped, comments, time }, options) {
  const mark = failed.length > 0 ? 'FAILED ' : passed.length > 0 ? 'ok     ' : 'skipped'
  const parts = [`${passed.length} passed`]
  if (failed.length > 0) parts.push(`${failed.length} failed`)
  if (skipped.length > 0) parts.push(`${skipped.length} skipped`)
  console.log(
    `  ${mark} ${name.replace(/^build\//, '').replace(/\.js$/, '')}: ${parts.join(', ')} (${Math.round(time)} ms)`,
  )
  for (const text of options.comments ? comments : []) console.log(`    ${text}`)
  for (const test of failed) {
    console.log(`    not ok: ${test.name}`)
    for (const detail of test.details) console.log(detail.replace(/^/gm, '      '))
  }
}

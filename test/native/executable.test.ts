/** The executable on QuickJS: one static file that nothing but its arguments changes, in rough places too. */
import { execFileSync, spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { buildWith, engineBuild, runScript } from '../helpers/executable.js'
import { projectRoot } from '../helpers/tools.js'

const tsrun = join(projectRoot, 'dist/tsrun')
const skip = lstatSync(tsrun).isSymbolicLink() && 'needs the engine, which this machine has not'

const skipTrace = skip || (spawnSync('strace', ['-V']).status === 0 ? false : 'needs strace')

/** Runs a shell script in a folder of its own, with the executable as "$TSRUN" and an empty root as "$ROOT". */
function shell(t: Test, script: string, env: Readonly<Record<string, string>> = {}): SpawnSyncReturns<string> {
  const folder = mkdtempSync(join(tmpdir(), 'static-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const root = join(folder, 'root')
  mkdirSync(root)
  mkdirSync(join(folder, 'cwd'))
  const path = process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin'
  return spawnSync('bash', ['--norc', '-c', script], {
    cwd: join(folder, 'cwd'),
    env: { PATH: path, TSRUN: tsrun, ROOT: root, ...env },
    encoding: 'latin1',
    timeout: 60_000,
  })
}

t.test('the executable is one small file that needs no other', { skip }, (t) => {
  t.ok(statSync(tsrun).size <= 6_000_000, 'at most 6 MB')
  const headers = execFileSync('readelf', ['--program-headers', '--dynamic', tsrun], { encoding: 'utf8' })
  t.notMatch(headers, /INTERP/, 'no interpreter')
  t.notMatch(headers, /NEEDED/, 'no shared library')
  const licence = readFileSync(join(projectRoot, 'dist/LICENSE.quickjs'), 'utf8')
  t.match(licence, /Fabrice Bellard/, 'the licence of its engine goes along')
  t.end()
})

t.test('no variable and no file of the working directory changes which code runs', { skip: skipTrace }, (t) => {
  const planted = `
    for file in package.json bunfig.toml .env tsconfig.json main.js index.js; do echo '{"preload":"./evil.js"}' > "$file"; done
    echo 'console.error("EVIL")' > evil.js
    strace -f -e trace=open,openat,openat2,newfstatat,execve -o trace "$TSRUN" --root "$ROOT" state nothing
    cat trace`
  const script = join(tmpdir(), 'static-evil.cjs')
  writeFileSync(script, 'console.error("EVIL")')
  t.teardown(() => {
    rmSync(script)
  })
  const { stdout, stderr } = shell(t, planted, {
    LD_PRELOAD: '',
    LD_LIBRARY_PATH: '.',
    NODE_OPTIONS: `--require ${script}`,
    BUN_OPTIONS: `--preload ${script}`,
    BUN_INSPECT_PRELOAD: script,
    GCONV_PATH: '.',
    LOCPATH: '.',
  })
  t.match(stderr, /container "nothing" does not exist/)
  t.notMatch(stderr, 'EVIL')
  const opened = stdout.split('\n').filter((line) => line.includes('open'))
  const record = /openat\(.*root\/nothing\/state\.json", .*ENOENT/
  const files = opened.filter((line) => !/root", .*O_DIRECTORY/.test(line) && !record.test(line))
  t.same(files, [], 'not one file is opened: at most the state root, for ids like the one that is not there')
  t.match(stdout, record, 'which its record would be')
  t.end()
})

t.test('absolute paths work in a working directory that has been deleted', { skip }, (t) => {
  const { status, stderr } = shell(t, 'rmdir "$PWD" && exec "$TSRUN" --root "$ROOT" list')
  t.equal(stderr, '')
  t.equal(status, 0)
  t.end()
})

t.test('a relative path in a deleted working directory is an error that says so', { skip }, (t) => {
  const { status, stderr } = shell(t, 'rmdir "$PWD" && exec "$TSRUN" --root relative list')
  t.match(stderr, /no current working directory/)
  t.equal(status, 1)
  t.end()
})

for (const limit of ['-s 100', '-d 262144', '-v 200000', '-n 8']) {
  t.test(`it runs under ulimit ${limit}`, { skip }, (t) => {
    const { status, stderr } = shell(t, `ulimit ${limit} && exec "$TSRUN" --root "$ROOT" list`)
    t.equal(stderr, '')
    t.equal(status, 0)
    t.end()
  })
}

t.test('bytes that are not UTF-8 reach the kernel as they came', { skip: skipTrace }, (t) => {
  const bundle = `$'bundle\\xff\\xed\\xa0\\x80'`
  const { stdout } = shell(
    t,
    `mkdir ${bundle}; strace -xx -e trace=openat -o trace "$TSRUN" --root "$ROOT" run -b ${bundle} x; cat trace`,
  )
  t.match(stdout, '\\x62\\x75\\x6e\\x64\\x6c\\x65\\xff\\xed\\xa0\\x80\\x2f', 'the path of config.json')
  t.end()
})

t.test('a module that looks at the host when it is loaded cannot be built in', { skip }, (t) => {
  const exports = 'export function prepare() {}\nexport function start() {}\n'
  const native = 'const module = { exports: {} }; process.dlopen(module, ""); '
  const cases: Readonly<Record<string, RegExp>> = {
    'process.cwd()': /looks at the host/,
    'process.exit(0)': /looks at the host/,
    'performance.now()': /looks at the host/,
    'process.argv.length': /TypeError/,
    'process.env.HOME': /TypeError/,
    'new Date()': /asks for the time/,
    'Date.now()': /asks for the time/,
    'Math.random()': /TypeError: not a function/,
    [`${native} module.exports.processIds()`]: /calls native code/,
    'await new Promise(() => {})': /waits for something/,
    'throw new Error("no luck")': /Error: no luck/,
  }
  for (const [statement, words] of Object.entries(cases)) {
    const { refusal } = buildWith(t, `${exports}${statement}\n`)
    t.match(refusal, /^cannot make the snapshot: /, statement)
    t.match(refusal, words, statement)
  }
  t.equal(buildWith(t, exports).refusal, '', 'what looks at nothing can')
  t.end()
})

t.test('the heap that the executable begins with is the same wherever and whenever it is made', { skip }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'static-again-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const again = join(folder, 'again.bin')
  execFileSync(join(engineBuild, 'unfinished'), [again, join(engineBuild, 'modules.bin')], {
    cwd: folder,
    env: { SECRET: 'not-to-be-kept', HOME: folder },
  })
  const [heap, executable] = [readFileSync(again), readFileSync(tsrun)]
  t.ok(heap.equals(readFileSync(join(engineBuild, 'snapshot.bin'))), 'with other addresses, folder, environment, time')
  t.ok(executable.includes(heap.subarray(0, 65_536)), 'it is what the executable has')
  for (const text of [projectRoot, folder, 'not-to-be-kept'])
    t.notOk(heap.includes(text) || heap.includes(Buffer.from(text, 'utf16le')), `it does not hold ${text}`)
  t.end()
})

t.test('an executable without its heap says so', { skip }, (t) => {
  const { status, stderr } = spawnSync(join(engineBuild, 'unfinished'), ['--version'], { encoding: 'utf8' })
  t.equal(stderr, 'tsrun: internal error: this executable has not been finished\n')
  t.equal(status, 70)
  t.end()
})

t.test('work that nothing could ever continue ends with status 70 and the reason', { skip }, (t) => {
  const forgotten = runScript(t, 'void new Promise(() => {}).then(() => process.exit(0))')
  t.equal(forgotten.stderr, 'tsrun: internal error: the command has stopped with its work unfinished\n')
  t.equal(forgotten.status, 70)
  const rejected = runScript(
    t,
    `
    async function work() { await null; throw new TypeError('no such thing') }
    void work().then(() => process.exit(0))`,
  )
  t.match(
    rejected.stderr,
    /^tsrun: internal error: the command has stopped .* unfinished: TypeError: no such thing\n.*work/,
  )
  t.equal(rejected.status, 70)
  t.end()
})

t.test('bytes are decoded to the text that encodes to these bytes', { skip }, (t) => {
  const { status, stderr } = runScript(
    t,
    `
    const bytes = Uint8Array.of(0x2e, 0xc3, 0xa4, 0xf0, 0x9f, 0x98, 0x80, 0xff, 0xed, 0xa0, 0x80, 0x00, 0x7a, 0x2e)
    const text = new TextDecoder().decode(bytes.subarray(1, -1))
    console.error(JSON.stringify(text) + ' ' + new TextEncoder().encode(text))
    console.error(JSON.stringify([new TextDecoder().decode(), new TextDecoder().decode(new Uint8Array(0))]))
    for (const wrong of [() => new TextDecoder('latin1'), () => new TextDecoder().decode('text')])
      try { wrong() } catch (error) { console.error(error.name) }
    process.exit(0)`,
  )
  const [text, empty, ...errors] = stderr.trimEnd().split('\n')
  t.equal(text, '"ä😀\\udcff\\udced\\udca0\\udc80\\u0000z" 195,164,240,159,152,128,255,237,160,128,0,122')
  t.equal(empty, '["",""]')
  t.same(errors, ['TypeError', 'TypeError'])
  t.equal(status, 0)
  t.end()
})

t.test('numbers of 64 bits keep their highest bit', { skip }, (t) => {
  const { status, stderr } = runScript(
    t,
    `
    const numbers = [0n, 1n << 63n, (1n << 64n) - 1n, 1n << 64n, -1n, -(1n << 63n), (1n << 130n) + 5n]
    console.error(numbers.map((number) => BigInt.asUintN(64, number)).join(' '))
    process.exit(0)`,
  )
  const half = '9223372036854775808'
  t.equal(stderr, `0 ${half} 18446744073709551615 0 18446744073709551615 ${half} 5\n`)
  t.equal(status, 0)
  t.end()
})

t.test('a descriptor that the caller has left empty is not one of its own', { skip }, (t) => {
  const { status, stdout, stderr } = shell(
    t,
    `"$TSRUN" spec && mkdir -p rootfs/bin && cp /bin/busybox rootfs/bin/ls &&
     sed -i 's/"terminal": true/"terminal": false/; s/"sh"/"ls", "-l", "\\/proc\\/self\\/fd"/' config.json &&
     exec "$TSRUN" --root "$ROOT" run --preserve-fds 3 hole 3< /dev/null 5< /etc/passwd`,
  )
  t.match(stderr, /^(ls: \S*: cannot read link.*\n)?$/, 'of the listing itself, which has the first free number')
  t.match(stdout, / 5 -> \S*passwd/)
  t.notMatch(stdout, / [467] -> /)
  t.equal(status, 0)
  t.end()
})

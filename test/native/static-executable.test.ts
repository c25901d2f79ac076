/** The executable on QuickJS: one static file that nothing but its arguments changes, in rough places too. */
import { execFileSync, spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { projectRoot } from '../helpers/tools.js'

const tsrun = join(projectRoot, 'dist/tsrun-static')
const skip = existsSync(tsrun) ? false : 'needs dist/tsrun-static (npm run build:static)'

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
    strace -f -e trace=open,openat,openat2,execve -o trace "$TSRUN" --root "$ROOT" state nothing
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
  t.equal(opened.length, 1, 'one file is opened')
  t.match(opened[0], 'root/nothing/state.json')
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

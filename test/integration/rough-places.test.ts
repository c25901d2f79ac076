/** Where the surroundings of tsrun itself are poor: limits, sysctls and file systems that it has to do without. */
import { existsSync, readdirSync, readFileSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Change } from '../helpers/config.js'
import type { Container } from '../helpers/container.js'
import type { Result } from '../helpers/runtime.js'
import type { Scope } from '../helpers/scope.js'
import { running } from '../helpers/exec.js'
import { test } from '../helpers/test.js'
import { projectRoot } from '../helpers/tools.js'

const echo: Change = (config) => {
  config.process.args = ['/bin/sh', '-c', 'echo hello']
}

/** Runs a container by a shell script that prepares the place and ends with `exec "$@"`, in mount and pid namespaces of its own. */
function runWhere(scope: Scope, container: Container, script: string): Result {
  const [runtime, ...args] = scope.runner.commandLine(['run', '--bundle', container.bundle.path, container.id])
  const own = ['--mount', '--pid', '--fork', '--mount-proc', '--propagation', 'private']
  return scope.runner.runProgram('unshare', [...own, '/bin/sh', '-ec', script, 'sh', runtime, ...args])
}

const nothingLeft = (t: Test, scope: Scope): void => {
  t.same(existsSync(scope.root) ? readdirSync(scope.root) : [], [], 'no state is left')
}

const memfdNeed = ['memfd_noexec'] as const

test(
  'memory that may not be executed is replaced by a file without a name',
  (t, scope) => {
    const script = 'echo 2 > /proc/sys/vm/memfd_noexec; exec "$@"'
    t.match(runWhere(scope, scope.container(echo), script), { status: 0, stdout: 'hello\n', stderr: '' })
  },
  { needs: memfdNeed },
)

test(
  'where nothing at all may be executed, the error names the sysctl',
  (t, scope) => {
    const script = `
      echo 2 > /proc/sys/vm/memfd_noexec
      for place in /run /dev/shm /var/tmp /tmp; do mount --bind $place $place && mount -o remount,bind,noexec $place; done
      mount -t tmpfs tmpfs /mnt
      cp "$1" /mnt/runtime
      shift
      exec /mnt/runtime "$@"`
    const { status, stderr } = runWhere(scope, scope.container(echo), script)
    t.equal(status, 1)
    t.match(stderr, /vm\.memfd_noexec/)
    nothingLeft(t, scope)
  },
  { needs: memfdNeed },
)

test('without /proc there is one clear error', (t, scope) => {
  const { status, stderr } = runWhere(scope, scope.container(echo), 'mount -t tmpfs tmpfs /proc; exec "$@"')
  t.equal(status, 1)
  t.match(stderr, /tsrun needs a proc file system at \/proc\n$/)
  nothingLeft(t, scope)
})

test('a limit for the size of files is an error, not a death half-way', (t, scope) => {
  // The limit is not for who writes the test's files.
  const { stdout } = runWhere(scope, scope.container(echo), '(ulimit -f 0; "$@" 2>&1 || echo status $?) | cat')
  t.match(stdout, /status 1/)
  t.match(stdout, /state\.json": file too large/)
  nothingLeft(t, scope)
})

test('whoever ignores SIGCHLD still learns how hooks and programs end', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/bin/sh', '-c', 'exit 3']
    config.hooks = { createRuntime: [{ path: '/bin/true' }] }
  })
  t.match(runWhere(scope, container, 'trap "" CHLD; exec "$@"'), { status: 3, stderr: '' })
})

for (const [engine, command] of Object.entries({
  'the executable': [join(projectRoot, 'dist/tsrun')],
  'Node.js': [process.execPath, join(projectRoot, 'dist/cli/main.js')],
})) {
  test(`bytes that are not UTF-8 reach program and file system as they came, in ${engine}`, (t, scope) => {
    const container = running(scope)
    // Made by the shell: JavaScript has no such arguments to give.
    const script = `
      b=$(printf 'a\\377b\\355\\240\\200')
      exec "$@" --pid-file "$FOLDER/$b" "$ID" /bin/sh -c 'printf %s "$1" | od -An -tx1' sh "$b"`
    const args = [...command, '--root', scope.root, 'exec']
    const env = { PATH: process.env.PATH ?? '', FOLDER: container.bundle.path, ID: container.id }
    const result = scope.runner.runProgram('/bin/sh', ['-c', script, 'sh', ...args], { env })
    t.match(result, { status: 0, stdout: ' 61 ff 62 ed a0 80\n', stderr: '' })
    const folder = Buffer.from(`${container.bundle.path}/`)
    const names = readdirSync(container.bundle.path, { encoding: 'buffer' })
    const name = names.find((one) => one.equals(Buffer.from([0x61, 0xff, 0x62, 0xed, 0xa0, 0x80])))
    t.ok(name, 'the pid file has the name that was given')
    if (name) unlinkSync(Buffer.concat([folder, name]))
  })
  test(`a hook has the caller’s variables as they came, in ${engine}`, (t, scope) => {
    const out = scope.path('out')
    const container = scope.container((config) => {
      const script = `printf %s "$BYTES" | od -An -tx1 > ${out}`
      config.hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', script] }] }
    })
    const script = 'BYTES=$(printf \'a\\377b\\303\\244\') exec "$@"'
    const args = [...command, '--root', scope.root, 'run', '--bundle', container.bundle.path, container.id]
    const env = { PATH: process.env.PATH ?? '' }
    t.match(scope.runner.runProgram('/bin/sh', ['-c', script, 'sh', ...args], { env }), { status: 0, stderr: '' })
    t.equal(readFileSync(out, 'utf8'), ' 61 ff 62 c3 a4\n')
  })
}

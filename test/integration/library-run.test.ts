/** The library: `run` and `defaultConfig`, safe by default. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { defaultConfig, run, Runtime, type SandboxOptions } from 'tsrun'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'
import { projectRoot } from '../helpers/tools.js'

const needs = ['tsrun'] as const

/** Options on the scope's state directory, with a shell script on the host's programs. */
const script = (scope: Scope, code: string, more: Partial<SandboxOptions> = {}): SandboxOptions => ({
  ...{ rootfs: 'host', args: ['sh', '-c', code], runtime: new Runtime({ root: scope.root }), id: scope.newId() },
  ...more,
})

test(
  'a program sees the host read-only, as nobody, without capabilities, with a filter, without a network',
  async (t, scope) => {
    const { stdout, stderr, exit } = await run(
      script(scope, 'id -u; grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status; tail -n +3 /proc/net/dev; echo $$'),
    )
    const none = '0000000000000000'
    const status = `CapInh:\t${none}\nCapPrm:\t${none}\nCapEff:\t${none}\nCapBnd:\t${none}\nCapAmb:\t${none}\nNoNewPrivs:\t1\nSeccomp:\t2\n`
    t.match(stdout, `65534\n${status}`)
    t.match(stdout, /^ +lo: .*\n1\n$/m)
    t.notMatch(stdout, /eth/)
    t.equal(stderr, '')
    t.match(exit, { code: 0, signal: null, oom: false, timedOut: false })
    t.ok((exit.usage.cpuTime ?? 0) > 0 && (exit.usage.peakMemory ?? 0) > 0 && exit.duration > 0)
    const writes = 'for d in / /usr /bin /etc /var /sys/fs/cgroup; do touch $d/x && echo wrote $d; done 2>/dev/null'
    const reads = 'cat /etc/shadow /root/* 2>/dev/null; ls /home /run/tsrun 2>/dev/null'
    t.match(await run(script(scope, `${writes}; ${reads}; touch /tmp/x && ls /tmp; pwd`)), { stdout: 'x\n/tmp\n' })
    t.match(await run(script(scope, 'unshare -U true || mount -t tmpfs x /tmp || chroot / true || echo refused')), {
      stdout: 'refused\n',
    })
    t.same(await new Runtime({ root: scope.root }).list(), { containers: [], broken: [] })
  },
  { needs },
)

test(
  'limits end a program or stop it, and the result says which',
  async (t, scope) => {
    const time = await run(script(scope, 'sleep 1000', { limits: { time: '200ms' } }))
    t.match(time.exit, { code: null, signal: 9, timedOut: true, oom: false })
    const term = await run(
      script(scope, 'trap "echo bye; exit 3" TERM; sleep 1000 & wait', { limits: { time: 300 }, killSignal: 'TERM' }),
    )
    t.match(term, { stdout: 'bye\n', exit: { code: 3, timedOut: true } })
    const output = await run(script(scope, 'head -c 100000 /dev/zero; echo no >&2', { limits: { output: 1000 } }))
    t.match(output, { cut: { stdout: true, stderr: false }, stderr: 'no\n', exit: { code: 0 } })
    t.equal(output.stdout.length, 1000)
    const pids = await run(script(scope, 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done', { limits: { pids: 4 } }))
    t.match(pids.stderr, /fork/)
  },
  { needs },
)

test(
  'too much memory is told',
  async (t, scope) => {
    const { exit } = await run(
      script(scope, 'x=$(head -c 100m /dev/zero | tr "\\0" x); echo ${#x}', { limits: { memory: '16M' } }),
    )
    t.equal(exit.oom, true)
    t.ok((exit.usage.peakMemory ?? 0) <= 17 << 20)
  },
  { needs: ['tsrun', 'cgroup:memory'] },
)

test(
  'input, environment, output as it comes, a root file system of its own',
  async (t, scope) => {
    const { rootfs } = scope.bundle()
    const runtime = new Runtime({ root: scope.root })
    const chunks: string[] = []
    const { stdout } = await run({
      ...{ rootfs, runtime, id: scope.newId(), args: ['sh', '-c', 'cat; echo $NAME; pwd; touch /x'] },
      ...{ env: { NAME: 'value' }, cwd: '/bin', writable: true, input: 'in\n' },
      onOutput: (stream, chunk) => chunks.push(`${stream} ${String(Buffer.from(chunk))}`),
    })
    t.equal(stdout, 'in\nvalue\n/bin\n')
    t.match(chunks.join(''), 'stdout in\n')
  },
  { needs },
)

test(
  'standard streams lead where stdio says, and the result has those of pipes',
  async (t, scope) => {
    const both = 'cat; echo bad >&2'
    const file = scope.path('out')
    const toFile = await run(script(scope, both, { input: 'in\n', stdio: ['ignore', { file }, 'pipe'] }))
    t.match(toFile, { stdout: '', stderr: 'bad\n', cut: { stdout: false, stderr: false }, exit: { code: 0 } })
    t.equal(readFileSync(file, 'utf8'), 'in\n', 'input is there whatever stdio says of it')
    const joined = new PassThrough()
    const read = text(joined)
    await run(script(scope, both, { stdio: [Readable.from(['a ', 'stream\n']), joined, joined] }))
    t.equal(await read, 'a stream\nbad\n')
    t.match(await run(script(scope, both, { stdio: 'pipe' })), { stdout: '', stderr: 'bad\n' })
    t.match(await run(script(scope, both, { stdio: 'ignore' })), { stdout: '', stderr: '', exit: { code: 0 } })
    const wrong = script(scope, both, { stdio: 'pip' as never })
    await t.rejects(run(wrong), { code: 'ERR_TSRUN_USAGE', message: /stdio: must be 'pipe'/ })
  },
  { needs },
)

test(
  'with killOnExit a program ends with the one that runs it, also when that is killed',
  async (t, scope) => {
    const id = scope.newId()
    const program = join(projectRoot, 'build/test/helpers/programs/killed-sandbox.js')
    // With what this process begins with: it may be sanitizers.
    const env = { PATH: process.env.PATH ?? '', LD_PRELOAD: process.env.LD_PRELOAD ?? '' }
    scope.runner.runProgram(process.execPath, [program, scope.root, id], { env })
    const container = await new Runtime({ root: scope.root }).get(id)
    await container.wait({ signal: AbortSignal.timeout(10_000) })
    t.match(await container.state(), { status: 'stopped' })
    await container.delete()
    t.same(scope.leftovers(), [])
  },
  { needs },
)

test(
  'what fails or is aborted is rejected, and leaves nothing',
  async (t, scope) => {
    await t.rejects(run(script(scope, '', { args: ['nothing'] })), { code: 'ERR_TSRUN_SYSCALL', errnoName: 'ENOENT' })
    const controller = new AbortController()
    const onOutput = (): void => controller.abort(new Error('enough'))
    const aborted = run(script(scope, 'echo; sleep 1000', { signal: controller.signal, onOutput }))
    await t.rejects(aborted, { message: 'enough' })
    await t.rejects(run(script(scope, '', { signal: AbortSignal.abort(new Error('never')) })), { message: 'never' })
    const wrong = (value: object): SandboxOptions => ({ ...script(scope, ''), ...value })
    await t.rejects(run(wrong({ image: 'alpine', imageRoot: scope.path('images') })), { code: 'ERR_TSRUN_IMAGE' })
    await t.rejects(run(wrong({ networks: 'none' })), { code: 'ERR_TSRUN_USAGE', message: /did you mean "network"\?/ })
    await t.rejects(run(wrong({ limits: { memory: 'much' } })), { code: 'ERR_TSRUN_USAGE', message: /limits.memory/ })
    await t.rejects(run(wrong({ limits: { time: 'long' } })), { code: 'ERR_TSRUN_USAGE', message: /limits.time/ })
    t.same(scope.leftovers(), [])
  },
  { needs },
)

test(
  'defaultConfig is a document that can be looked at, changed, and made a container of',
  async (t, scope) => {
    const config = defaultConfig({
      rootfs: 'host',
      args: ['true'],
      root: scope.root,
      limits: { memory: '64M', cpus: 0.5 },
    })
    t.match(config, {
      process: { user: { uid: 65534, gid: 65534 }, noNewPrivileges: true, capabilities: { bounding: [] } },
      root: { readonly: true },
      linux: {
        resources: { memory: { limit: 64 << 20, swap: 64 << 20 }, cpu: { quota: 50_000 }, pids: { limit: 256 } },
      },
    })
    t.same(JSON.parse(JSON.stringify(config)), config)
    const runtime = new Runtime({ root: scope.root })
    const process = { ...config.process, args: ['sh', '-c', 'exit 7'] }
    const container = await runtime.create(scope.newId(), { bundle: config.root.path, config: { ...config, process } })
    await container.start()
    t.match(await container.wait(), { code: 7 })
    await container.delete()
  },
  { needs },
)

/**
 * The container makes the runtime execute itself, or opens its executable to overwrite it: CVE-2019-5736.
 * Nothing of the host is ever executed in a container: tsrun-init comes from sealed memory.
 */
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { armWithAttack, attackTest } from '../helpers/attack.js'
import { dropNamespace, type Change } from '../helpers/config.js'
import type { Scope } from '../helpers/scope.js'
import { projectRoot } from '../helpers/tools.js'

/** Every file of the host that is executed or loaded to run a container. */
function executables(): string[] {
  const built = ['dist/tsrun', 'dist/cli/main.js', 'dist/native/binding.js']
  const release = readdirSync(join(projectRoot, 'build/Release')).map((name) => `build/Release/${name}`)
  return [...[...built, ...release].map((name) => join(projectRoot, name)), process.execPath].filter(
    (path) => /\.(node|js)$|\/(tsrun|tsrun-init|node)$/.test(path) && existsSync(path),
  )
}

const digests = (): string[] =>
  executables().map((path) => `${path} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`)

/** Also a write of the same bytes would change these. */
const stamps = (): string[] =>
  executables().map((path) => {
    const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true })
    return [path, ino, size, mtimeNs, ctimeNs].join(' ')
  })

const digestsBefore = digests()

function binaryTest(title: string, body: (t: Test, scope: Scope) => void | Promise<void>): void {
  attackTest(title, async (t, scope) => {
    const before = stamps()
    t.ok(before.length >= 3, before.join())
    await body(t, scope)
    t.same(stamps(), before, 'every file that the runtime executes is as it was')
  })
}

/** What overwrites whatever executes it, as the published attack does: through /proc/PID/exe and a reopened O_PATH. */
const overwrite =
  'for p in /proc/1 /proc/self /proc/[0-9]*; do ( exec 9<$p/exe; for w in $p/exe /proc/self/fd/9; do echo evil > $w; done ); done 2>&1'

binaryTest('a program /proc/self/exe is tsrun-init at most, which then does nothing', (t, scope) => {
  const container = scope.container()
  const { config, rootfs } = container.bundle
  symlinkSync('/proc/self/exe', join(rootfs, 'bin/evil'))
  writeFileSync(join(rootfs, 'bin/script'), '#!/proc/self/exe\n')
  chmodSync(join(rootfs, 'bin/script'), 0o755)
  const programs = [
    ['/proc/self/exe'],
    ['/bin/evil'],
    ['evil', '3'],
    ['/bin/script'],
    ['/proc/1/exe'],
    ['/proc/self/exe', '4'],
  ]
  for (const args of programs) {
    config.process.args = args
    container.rewrite()
    const { status, signal, stdout } = container.run()
    t.ok(status !== 0 && signal === null, `${args.join(' ')}: ${status}`)
    t.equal(stdout, '')
    container.remove()
  }
})

binaryTest('a container cannot write to what executes it', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/bin/sh', '-c', `${overwrite}; readlink /proc/1/exe`]
  })
  const { status, stdout } = container.run()
  t.equal(status, 0)
  t.match(stdout, /Text file busy/)
  t.match(stdout, /^\/bin\/busybox$/m)
})

binaryTest('a container that waits for its start shows sealed memory, and no file of the host', (t, scope) => {
  const container = scope.container()
  container.create()
  const { pid } = container.state()
  const maps = readFileSync(`/proc/${pid}/maps`, 'utf8')
  const files = [...new Set(maps.split('\n').map((line) => line.split(/\s+/)[5] ?? ''))].filter((path) =>
    /^\//.test(path),
  )
  t.ok(files.length > 0)
  for (const file of files) t.match(file, /^\/memfd:tsrun-(init|plan)/)
  const { status, stderr } = scope.runner.runProgram('sh', ['-c', `echo evil > /proc/${pid}/exe`])
  t.not(status, 0, 'not even root of the host can write there')
  t.match(stderr, /Text file busy|Operation not permitted/)
  t.match(container.start(), { status: 0 })
})

/** CAP_SYS_ADMIN and CAP_PERFMON may read the memory maps of every process (mm_access of the kernel). */
const withoutAdmin: Change = ({ process }) => {
  const list = (process.capabilities?.bounding ?? []).filter((name) => name !== 'CAP_SYS_ADMIN')
  process.capabilities = { bounding: list, effective: list, permitted: list }
}

binaryTest('with the host’s pids in sight the runtime itself cannot be opened', (t, scope) => {
  const container = scope.container((config) => {
    dropNamespace(config, 'pid')
    withoutAdmin(config)
    // While this runs in the foreground, its parent is the runtime.
    const script =
      'for f in exe root cwd fd/0 fd/5 environ mem maps; do (exec 9</proc/$PPID/$f) && echo OPENED $f; done'
    config.process.args = ['/bin/sh', '-c', `${script}; cat /proc/$PPID/comm`]
  })
  const { status, stdout, stderr } = container.run()
  t.equal(status, 0)
  t.notMatch(stdout, /OPENED/)
  t.match(stderr, /Permission denied/)
  t.match(stdout, /^(tsrun|node|MainThread)/m, 'it was the runtime that was tried')
})

binaryTest('a hostile library or loader of the image is not the runtime’s', (t, scope) => {
  const container = scope.container((config) => {
    config.process.env.push('LD_PRELOAD=/lib/evil.so', 'LD_LIBRARY_PATH=/lib', 'NODE_OPTIONS=--require /evil.js')
    config.process.env.push('BUN_OPTIONS=--preload /evil.js', 'MALLOC_CONF=x', 'GCONV_PATH=/lib')
  })
  const { rootfs } = container.bundle
  scope.runner.runProgram('mkdir', ['-p', join(rootfs, 'lib'), join(rootfs, 'lib64')])
  for (const name of [
    'lib/evil.so',
    'lib/libc.so.6',
    'lib/ld-musl-x86_64.so.1',
    'lib64/ld-linux-x86-64.so.2',
    'evil.js',
  ]) {
    writeFileSync(join(rootfs, name), '#!/bin/sh\necho evil\n', { mode: 0o755 })
  }
  writeFileSync(join(rootfs, 'etc/nsswitch.conf'), 'passwd: evil\n')
  t.match(container.run(), { status: 0, stderr: '' })
  t.notMatch(container.output.stdout, /^evil/m)
})

binaryTest(
  'an attacker who watches all processes of its pid namespace opens none of the runtime’s',
  async (t, scope) => {
    const attacker = scope.container((config) => {
      withoutAdmin(config)
      config.process.args = ['/attack', 'peek']
    })
    armWithAttack(attacker)
    t.equal(attacker.run(['--detach']).status, 0)
    const path = `/proc/${attacker.state().pid}/ns/pid`
    const victim = scope.container((config) => {
      config.linux.namespaces = config.linux.namespaces.map((one) => (one.type === 'pid' ? { type: 'pid', path } : one))
      withoutAdmin(config)
      config.process.args = ['/bin/true']
    })
    for (let round = 0; round < Number(process.env.ROUNDS ?? 20); round++) {
      t.equal(victim.create().status, 0)
      // Now tsrun-init waits, with the rights of the attacker and descriptors of its own.
      if (round % 2 === 0) victim.start()
      victim.remove()
    }
    attacker.kill('TERM')
    attacker.awaitEnd()
    const result = JSON.parse(attacker.output.stdout) as { successes: string[]; looked: number; count: number }
    t.ok(result.looked > 10, `it has looked ${result.looked} times`)
    t.same(result.successes, [])
  },
)

attackTest('after all these attacks every file that the runtime executes has the bytes that it had', (t) => {
  t.same(digests(), digestsBefore)
})

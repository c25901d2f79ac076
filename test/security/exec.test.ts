/** Attacks on `exec` from inside the container, and through what its caller gives it. */
import { createHash } from 'node:crypto'
import { closeSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { armWithAttack, attackTest } from '../helpers/attack.js'
import type { Change } from '../helpers/config.js'
import type { Container } from '../helpers/container.js'
import { parseReport } from '../helpers/probe.js'
import { runtimeCommand } from '../helpers/requires.js'
import type { Scope } from '../helpers/scope.js'

/** Bits of capabilities(7). */
const CAP_KILL = 5
const CAP_SYS_PTRACE = 19

const withCapabilities =
  (...names: readonly string[]): Change =>
  ({ process }) => {
    process.capabilities = { bounding: [...names], effective: [...names], permitted: [...names] }
  }

function running(scope: Scope, args: readonly string[], change?: Change): Container {
  const container = scope.container((config) => {
    config.process.args = [...args]
    change?.(config)
  })
  armWithAttack(container)
  const { status, stderr } = container.run(['--detach'])
  if (status !== 0) throw new Error(`the container does not run: ${stderr}`)
  return container
}

const exec = (scope: Scope, ...args: readonly string[]) => scope.runtime(['exec', ...args])

interface Peeked {
  readonly successes: readonly string[]
  readonly looked: number
  readonly count: number
  readonly foreign: number
  readonly rights: string
}

/** What a spy in the container has seen of the runtime while processes were added. */
function spyOn(scope: Scope, ...capabilities: readonly string[]): Peeked {
  const container = running(scope, ['/attack', 'peek'], withCapabilities(...capabilities))
  const { lastOutput } = scope.runner
  for (let time = 0; time < 60; time++) exec(scope, container.id, '/bin/true')
  container.kill('TERM')
  container.awaitEnd()
  return JSON.parse(lastOutput().stdout) as Peeked
}

attackTest('CVE-2016-9962: root of the container cannot look into the process that joins it', (t, scope) => {
  const { successes, looked } = spyOn(scope, 'CAP_KILL', 'CAP_DAC_OVERRIDE')
  t.ok(looked > 0, 'the spy has seen it')
  t.same(successes, [])
})

attackTest(
  'CVE-2016-9962: who may trace finds no rights there that the container has not, and no directory',
  (t, scope) => {
    const { looked, foreign, rights } = spyOn(scope, 'CAP_KILL', 'CAP_SYS_PTRACE')
    t.ok(looked > 0, 'the spy has seen it')
    t.equal(BigInt(rights) & ~((1n << BigInt(CAP_KILL)) | (1n << BigInt(CAP_SYS_PTRACE))), 0n)
    t.equal(foreign, 0)
  },
  { needs: ['tsrun'] },
)

attackTest('CVE-2019-5736: a process that executes the runtime’s own image changes nothing on the host', (t, scope) => {
  const container = running(scope, ['/bin/sleep', '1000'])
  symlinkSync('/proc/self/exe', join(container.bundle.rootfs, 'bin/evil'))
  writeFileSync(join(container.bundle.rootfs, 'bin/script'), '#!/proc/self/exe\n', { mode: 0o755 })
  const files = runtimeCommand().filter((part) => part.startsWith('/'))
  const hashes = () => files.map((file) => createHash('sha256').update(readFileSync(file)).digest('hex'))
  const before = hashes()
  for (const program of ['/bin/evil', '/bin/script', '/proc/self/exe']) {
    t.not(exec(scope, container.id, program).status, 0, program)
  }
  t.same(hashes(), before)
})

attackTest('CVE-2024-21626: neither --cwd nor the program leads out through a descriptor', (t, scope) => {
  const container = running(scope, ['/bin/sleep', '1000'])
  const O_PATH_DIRECTORY = 0o10200000
  const leaked = Array.from({ length: 8 }, () => openSync('/', O_PATH_DIRECTORY))
  scope.defer(() => leaked.forEach((fd) => closeSync(fd)))
  for (let number = 3; number < 12; number++) {
    symlinkSync(`/proc/self/fd/${number}`, join(container.bundle.rootfs, `link-${number}`))
    for (const path of [
      `/proc/self/fd/${number}`,
      `/proc/self/fd/${number}/../..`,
      `/link-${number}`,
      `/link-${number}/tmp`,
    ]) {
      const result = scope.runtime(['exec', '--cwd', path, container.id, '/bin/ls'], { descriptors: leaked })
      t.equal(result.status, 255, path)
      t.equal(result.stdout, '')
    }
    const program = `/proc/self/fd/${number}/bin/sh`
    t.equal(scope.runtime(['exec', container.id, program], { descriptors: leaked }).status, 255, program)
  }
  const { stdout } = scope.runtime(['exec', container.id, '/probe'], { descriptors: leaked })
  t.same(Object.keys(parseReport(stdout).fds).toSorted(), ['0', '1', '2'])
})

attackTest('CVE-2022-29162, CVE-2022-27650, CVE-2025-27612: --cap gives nothing inheritable', (t, scope) => {
  const container = running(scope, ['/bin/sleep', '1000'], withCapabilities('CAP_KILL'))
  const { stdout } = exec(scope, '--cap', 'CAP_CHOWN', container.id, '/probe')
  const { status } = parseReport(stdout)
  t.match(status.CapEff, /0{14}21$/)
  t.match(status.CapInh, /^0+$/)
  t.match(status.CapAmb, /^0+$/)
})

attackTest('CVE-2016-8867: another user has only the ambient capabilities that are listed', (t, scope) => {
  const container = running(scope, ['/bin/sleep', '1000'], withCapabilities('CAP_KILL', 'CAP_CHOWN'))
  const { status } = parseReport(exec(scope, '--user', '1000', container.id, '/probe').stdout)
  for (const set of ['CapEff', 'CapPrm', 'CapAmb']) t.match(status[set], /^0+$/, set)
})

attackTest('CVE-2016-3697, CVE-2026-30892: a user is a number, all of it, and never looked up', (t, scope) => {
  const container = running(scope, ['/bin/sleep', '1000'])
  writeFileSync(join(container.bundle.rootfs, 'etc/passwd'), '1000:x:0:0::/root:/bin/sh\n1:x:0:0::/root:/bin/sh\n')
  for (const [user, uid, gid] of [
    ['1', 1, 0],
    ['1:2', 1, 2],
    ['1000', 1000, 0],
  ] as const) {
    const report = parseReport(exec(scope, '--user', user, container.id, '/probe').stdout)
    t.same([report.uids[0], report.gids[0]], [uid, gid], user)
    t.ok(report.env.includes('HOME=/'), 'the home directory is not root’s')
  }
  for (const user of [
    '1:',
    ':1',
    ':',
    '-1',
    '1:-1',
    '+1',
    '4294967296',
    '4294967295',
    '1x',
    '1:2x',
    ' 1',
    '0x1',
    'root',
    '1:2:3',
  ]) {
    const { status, stdout } = exec(scope, '--user', user, container.id, '/probe')
    t.same({ status, stdout }, { status: 255, stdout: '' }, JSON.stringify(user))
  }
  for (const gid of ['-1', '1x', '4294967296', '']) {
    t.equal(exec(scope, '--additional-gids', gid, container.id, '/probe').status, 255, JSON.stringify(gid))
  }
})

attackTest('the seccomp filter and noNewPrivileges of the container hold for the added process', (t, scope) => {
  const container = running(scope, ['/bin/sleep', '1000'], (config) => {
    config.process.noNewPrivileges = true
    config.linux.seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 42 }],
    }
  })
  const report = parseReport(exec(scope, container.id, '/probe', 'mkdir /tmp/new').stdout)
  t.equal(report.tries['mkdir /tmp/new']?.error, 'ENOMSG')
  t.equal(report.status.Seccomp, '2')
  t.equal(report.status.NoNewPrivs, '1')
})

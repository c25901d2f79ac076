/** config.json: linux.seccomp with the default profile of Docker, as containers have it every day. */
import { readFileSync } from 'node:fs'
import { testData } from '../helpers/bundle.js'
import type { Change } from '../helpers/config.js'
import { tried } from '../helpers/probe.js'
import { test } from '../helpers/test.js'

const dockers: Change = (config) => {
  config.linux.seccomp = JSON.parse(readFileSync(testData('seccomp-docker-oci.json'), 'utf8')) as never
}

/** Calls of x86-64 that the profile keeps from containers without CAP_SYS_ADMIN, and how. */
const refused: readonly [what: string, words: string, error: string][] = [
  ['unshare', 'syscall 272 0', 'EPERM'],
  ['setns', 'syscall 308 0 0', 'EPERM'],
  ['add_key', 'syscall 248 0 0 0 0 0', 'EPERM'],
  ['keyctl', 'syscall 250 0 -3', 'EPERM'],
  ['bpf', 'syscall 321 0 0 0', 'EPERM'],
  ['open_by_handle_at', 'syscall 304 0 0 0', 'EPERM'],
  ['userfaultfd', 'syscall 323 0', 'EPERM'],
  ['personality(1)', 'syscall 135 1', 'EPERM'],
  ['socket(AF_ALG)', 'syscall 41 38 5 0', 'EPERM'],
  ['socket(AF_VSOCK)', 'syscall 41 40 1 0', 'EPERM'],
  ['clone(CLONE_NEWUSER)', 'syscall 56 0x10000000 0 0 0 0', 'EPERM'],
  ['clone3', 'syscall 435 0 0', 'ENOSYS'],
  ['a call of the future', 'syscall 2000', 'ENOSYS'],
]

const permitted: readonly [what: string, words: string][] = [
  ['personality(PER_LINUX)', 'syscall 135 0'],
  ['personality(0xffffffff)', 'syscall 135 0xffffffff'],
  ['socket(AF_UNIX)', 'syscall 41 1 1 0'],
  ['socket(AF_INET)', 'syscall 41 2 2 0'],
  ['mkdir', 'mkdir /tmp/made'],
  ['chown', 'chown /tmp/made 1 1'],
  ['chroot', 'chroot /'],
]

test(
  'Docker’s default profile refuses what it is for, and nothing else',
  (t, scope) => {
    const words = [...refused, ...permitted].map((entry) => entry[1])
    const report = scope.probe(dockers, ...words)
    t.equal(report.status.Seccomp, '2')
    for (const [what, call, error] of refused) t.equal(tried(report, call).error, error, what)
    for (const [what, call] of permitted) t.equal(tried(report, call).error, '', what)
    const plain = scope.probe(undefined, 'syscall 272 0', 'syscall 250 0 -3', 'syscall 41 38 5 0')
    t.equal(tried(plain, 'syscall 272 0').error, '', 'it is the profile')
  },
  { needs: ['x86-64'] },
)

test(
  'Docker’s default profile holds for 32-bit calls, and ends those of x32',
  (t, scope) => {
    const X32_MKDIR = 0x40000000 + 83
    const UNSHARE_32 = 310
    const words = [`call32 ${UNSHARE_32} 0`, 'call32 20', `syscall ${X32_MKDIR} 0 0`]
    const report = scope.probe(dockers, ...words)
    t.equal(tried(report, words[0]!).error, 'EPERM')
    t.equal(tried(report, words[1]!).error, '', 'getpid')
    t.not(tried(report, words[2]!).error, '')
  },
  { needs: ['x86-64'] },
)

test('a shell with its usual programs works under Docker’s default profile', (t, scope) => {
  const script =
    'mkdir /tmp/a && cd /tmp/a && echo x > f && cp f g && ls | wc -l && sh -c "exit 4"; echo $?; sleep 0; id -u'
  const container = scope.container((config) => {
    dockers(config)
    config.process.args = ['/bin/sh', '-c', script]
    config.process.noNewPrivileges = true
  })
  t.match(container.run(), { status: 0, stdout: '2\n4\n0\n', stderr: '' })
})

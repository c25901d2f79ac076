/** The default filter is Docker's, and profiles in Docker's form are what Docker makes of them. */
import t from 'tap'
import { seccompOfDocker } from '#dist/config/docker-seccomp.js'
import { defaultSeccomp } from '#dist/config/seccomp-profile.js'
import type { Seccomp } from '#dist/config/types.js'
import { dataText } from './support.js'

const allowed = ({ syscalls = [] }: Seccomp): string[] =>
  syscalls
    .filter(({ action, args = [] }) => action === 'SCMP_ACT_ALLOW' && args.length === 0)
    .flatMap(({ names }) => names)
    .sort()

t.test("with Docker's capabilities it allows what Docker's own allows", async (t) => {
  const docker = JSON.parse(dataText('seccomp-docker-oci.json')) as Seccomp
  t.same(allowed(defaultSeccomp('x86_64', ['CAP_SYS_CHROOT', 'CAP_CHOWN'])), allowed(docker))
})

t.test('a capability brings its calls, and CAP_SYS_ADMIN new namespaces', async (t) => {
  const conditions = (profile: Seccomp): string[] =>
    (profile.syscalls ?? []).filter(({ args = [] }) => args.length > 0).flatMap(({ names }) => names)
  const [plain, admin] = [defaultSeccomp('aarch64'), defaultSeccomp('aarch64', ['CAP_SYS_ADMIN', 'CAP_SYS_TIME'])]
  t.notOk(allowed(plain).includes('clock_settime'))
  t.ok(conditions(plain).includes('clone'))
  for (const name of ['clock_settime', 'mount', 'clone', 'clone3']) t.ok(allowed(admin).includes(name), name)
  t.notOk(conditions(admin).includes('clone'))
  t.same(admin.architectures, ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'])
})

t.test("rules of Docker's form hold by capability, architecture and kernel", async (t) => {
  const rule = (name: string, more: object): object => ({ names: [name], action: 'SCMP_ACT_ALLOW', args: [], ...more })
  const document = {
    defaultAction: 'SCMP_ACT_ERRNO',
    archMap: [
      { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
      { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] },
    ],
    syscalls: [
      rule('always', { comment: 'a word' }),
      rule('old-form', { names: undefined, name: 'one' }),
      rule('kernel', { includes: { minKernel: '6.1' } }),
      rule('newer', { includes: { minKernel: '6.10' } }),
      rule('cap', { includes: { caps: ['CAP_A', 'CAP_B'] } }),
      rule('half', { includes: { caps: ['CAP_A', 'CAP_C'] } }),
      rule('without', { excludes: { caps: ['CAP_C'] } }),
      rule('not', { excludes: { caps: ['CAP_A', 'CAP_C'] } }),
      rule('arm', { includes: { arches: ['arm64'] } }),
      rule('here', { includes: { arches: ['amd64', 'x32'] }, excludes: {} }),
      rule('elsewhere', { excludes: { arches: ['amd64'] } }),
    ],
  }
  const inputs = { capabilities: ['CAP_A', 'CAP_B'], machine: 'x86_64', kernel: '6.9.3-x' }
  t.same(allowed(seccompOfDocker(document, inputs)), ['always', 'cap', 'here', 'kernel', 'one', 'without'])
  t.same(seccompOfDocker(document, inputs).architectures, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'])
  const own: Seccomp = { defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_ARM'] }
  t.same(seccompOfDocker(own, inputs), own)
})

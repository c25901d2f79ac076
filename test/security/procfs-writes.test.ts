/** What the runtime writes to procfs goes to the kernel, whatever the container has on /proc: CVE-2025-52881 (runc), CVE-2025-62596 (youki). */
import { mkdirSync, readFileSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attackTest, raceCreates, refuses, swapping } from '../helpers/attack.js'
import { tried } from '../helpers/probe.js'

const fakes = ['sys/kernel/shm_rmid_forced', 'self/attr/exec', 'self/attr/apparmor/exec', 'self/oom_score_adj']

/** A directory that looks like procfs, its files links to what must not be written. */
function fakeProc(path: string, target: string): void {
  for (const name of fakes) {
    mkdirSync(join(path, name, '..'), { recursive: true })
    symlinkSync(target, join(path, name))
  }
}

attackTest('a sysctl is set in the kernel also when the image has files of the same names', (t, scope, host) => {
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'read /proc/sys/kernel/shm_rmid_forced']
    config.linux.sysctl = { 'kernel.shm_rmid_forced': '1' }
  })
  fakeProc(join(container.bundle.rootfs, 'proc'), join(host.canary, 'file'))
  t.equal(container.run().status, 0)
  t.equal(tried(container.report(), 'read /proc/sys/kernel/shm_rmid_forced').text, '1\n')
})

attackTest(
  'without a procfs of its own the container still gets its sysctl and its score, and nothing else is written',
  (t, scope, host) => {
    const container = scope.container((config) => {
      config.mounts = config.mounts.filter(({ destination }) => destination !== '/proc')
      config.mounts.push({ destination: '/late', type: 'proc', source: 'proc' })
      config.process.args = ['/bin/cat', '/late/sys/kernel/shm_rmid_forced', '/late/self/oom_score_adj']
      config.process.oomScoreAdj = 500
      config.linux.sysctl = { 'kernel.shm_rmid_forced': '1' }
    })
    fakeProc(join(container.bundle.rootfs, 'proc'), join(host.canary, 'file'))
    t.match(container.run(), { status: 0, stdout: '1\n500\n', stderr: '' })
  },
)

attackTest('sysctls of the host, and names that lead elsewhere, are refused', (t, scope) => {
  const names = ['kernel.core_pattern', 'kernel/core_pattern', 'vm.overcommit_memory', 'kernel.modprobe', 'fs.mqueue']
  const ways = [
    '../sysrq-trigger',
    'net/../kernel/core_pattern',
    'net/./ipv4',
    '/kernel/core_pattern',
    'fs/mqueue/../../kernel/core_pattern',
    'kernel.shmmax/../../core_pattern',
    '',
    '.',
    '..',
  ]
  for (const name of [...names, ...ways]) {
    const container = scope.container((config) => {
      config.linux.sysctl = { [name]: '|/bin/false' }
    })
    const { status, stderr } = container.create()
    t.equal(status, 1, name)
    t.notMatch(stderr, /during container init/)
  }
  t.same(scope.leftovers(), [])
})

attackTest('a read-only or masked path that was listed does not stop the runtime’s own writes', (t, scope) => {
  const report = scope.probe(
    (config) => {
      config.linux.sysctl = { 'kernel.shm_rmid_forced': '1' }
      config.linux.readonlyPaths = ['/proc/sys']
      config.linux.maskedPaths = ['/proc/self/attr', '/proc/1/attr']
    },
    'read /proc/sys/kernel/shm_rmid_forced',
    'write /proc/sys/kernel/shm_rmid_forced 0',
  )
  t.equal(tried(report, 'read /proc/sys/kernel/shm_rmid_forced').text, '1\n')
  t.equal(tried(report, 'write /proc/sys/kernel/shm_rmid_forced 0').error, 'EROFS')
})

attackTest('exchanging what lies on the way to /proc during create redirects no write', async (t, scope, host) => {
  const shared = scope.path('shared')
  fakeProc(join(shared, 'fake'), '/proc/sys/kernel/core_pattern')
  mkdirSync(join(shared, 'real'))
  const race = await swapping(scope, join(shared, 'fake'), join(shared, 'real'))
  const container = scope.container((config) => {
    // The container has no other procfs: what it has on /proc is what the attacker exchanges.
    config.mounts = config.mounts.filter(({ destination }) => destination !== '/proc')
    config.mounts.push({ destination: '/volume', type: 'bind', source: shared, options: ['rbind'] })
    config.mounts.push({ destination: '/volume/real', type: 'proc', source: 'proc' })
    config.linux.sysctl = { 'kernel.shm_rmid_forced': '1' }
  })
  rmdirSync(join(container.bundle.rootfs, 'proc'))
  symlinkSync('volume/real', join(container.bundle.rootfs, 'proc'))
  await raceCreates(t, container, { usual: 20, look: () => [] })
  await race.stop()
  host.check(t)
})

attackTest('a cgroup path that leads out of the hierarchy stays inside of it', (t, scope, host) => {
  for (const path of ['../../../../../..', '/../../../../../..', '/a/../..', './../././..']) {
    const container = scope.container((config) => {
      config.linux.cgroupsPath = `${path}/${scope.word}-in`
    })
    t.equal(container.create().status, 0, path)
    const { pid } = container.state()
    const places = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n')
    t.ok(places.some((place) => place.endsWith(`/${scope.word}-in`)))
    t.notOk(
      places.some((place) => place.includes('..')),
      places.join(),
    )
    container.remove()
    host.check(t)
  }
})

attackTest(
  'a label for a kernel without its module is refused, not written to a file of the image',
  (t, scope) => {
    for (const [field, value] of [
      ['apparmorProfile', 'x'],
      ['selinuxLabel', 'a:b:c:d'],
    ] as const) {
      const container = scope.container((config) => {
        config.process[field] = value
      })
      fakeProc(join(container.bundle.rootfs, 'proc'), '/written')
      writeFileSync(join(container.bundle.rootfs, 'written'), 'before')
      refuses(t, scope, container, /AppArmor|SELinux/i)
      t.equal(readFileSync(join(container.bundle.rootfs, 'written'), 'utf8'), 'before')
    }
  },
  { needs: ['no-apparmor', 'no-selinux'] },
)

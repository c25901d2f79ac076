/** Test helper: what a test needs of the host and of the runtime, and why it cannot run where that is missing. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { blockDevice, groupOf, hierarchyOf } from './cgroups.js'
import { projectRoot } from './tools.js'

/** The runtime under test as a command line: `RUNTIME`, or the built tsrun. */
export function runtimeCommand(): readonly [string, ...string[]] {
  const given = process.env.RUNTIME?.split(' ').filter(Boolean) ?? []
  if (given[0] !== undefined) return [given[0], ...given.slice(1)]
  const executable = join(projectRoot, 'dist/tsrun')
  return existsSync(executable) ? [executable] : [process.execPath, join(projectRoot, 'dist/cli/main.js')]
}

/** Path of a browser, if one is installed. The headless shell is Chromium without what a screen needs. */
export const browserPath = (): string | undefined =>
  ['chromium-headless-shell', 'chromium', 'chromium-browser']
    .map((name) => `/usr/bin/${name}`)
    .find((path) => existsSync(path))

let criu: string | false | undefined

/** A PATH with a CRIU that works on this kernel, fetched where that can be; undefined where there is none. */
export function criuPath(): string | undefined {
  criu ??= findCriu() ?? false
  return criu === false ? undefined : criu
}

function findCriu(): string | undefined {
  const script = `import('${join(projectRoot, 'scripts/criu.mjs')}').then(({ fetchCriu }) => console.log(fetchCriu()))`
  const fetched = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  const path = `${fetched.status === 0 ? fetched.stdout.trim() : ''}:${process.env.PATH ?? ''}`
  return spawnSync('criu', ['check'], { env: { PATH: path } }).status === 0 ? path : undefined
}

/** Whether CRIU can tell which memory has changed since an earlier dump. */
function tracksMemory(): boolean {
  const args = ['check', '--feature', 'mem_dirty_track']
  return criuPath() !== undefined && spawnSync('criu', args, { env: { PATH: criuPath() } }).status === 0
}

let version: string | undefined

/** Name of the runtime under test, for example `tsrun` or `runc`. */
export function runtimeName(): string {
  const [program, ...args] = runtimeCommand()
  version ??= spawnSync(program, [...args, '--version'], { encoding: 'utf8' }).stdout
  return version.split(/\s/)[0] ?? ''
}

const hasCapability = (bit: number): boolean => {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return effective !== undefined && ((BigInt(`0x${effective}`) >> BigInt(bit)) & 1n) === 1n
}

const present =
  (path: string): (() => boolean) =>
  () =>
    existsSync(path)

/** True when the folder for what tests make is on the device of `blockDevice`. */
function filesOnBlockDevice(): boolean {
  const { major, minor } = blockDevice() ?? {}
  const { dev } = statSync(tmpdir())
  return dev >> 8 === major && (dev & 255) === minor
}

/** True when a group of cgroup v1 below the own one may be given time of real-time processes. */
function hasRealTimeGroups(): boolean {
  if (hierarchyOf('cpu')?.version !== 1) return false
  const file = join(groupOf(process.pid, 'cpu'), 'cpu.rt_runtime_us')
  return existsSync(file) && Number(readFileSync(file, 'utf8')) > 0
}

/** True when every group has a weight for block I/O: io.cost of cgroup v2, the BFQ scheduler of v1. */
function hasBlockWeights(): boolean {
  const { version, mountPoint } = hierarchyOf('io') ?? {}
  if (version === undefined) return false
  return existsSync(join(mountPoint ?? '', version === 1 ? 'blkio.bfq.io_service_bytes' : 'io.cost.model'))
}

/** True for a program that the kernel starts without an interpreter (PT_INTERP of elf(5)), so nothing runs before it. */
function isStatic(): boolean {
  const header = readFileSync(runtimeCommand()[0]).subarray(0, 4096)
  return !header.includes('/ld-linux')
}

/** Each need: how to find out, and what to tell when it is not met. */
const needs = {
  root: { met: () => process.getuid?.() === 0, reason: 'needs root' },
  static: { met: isStatic, reason: 'needs the static executable' },
  dynamic: { met: () => !isStatic(), reason: 'is not about the static executable' },
  tsrun: { met: () => runtimeName() === 'tsrun', reason: 'is about tsrun alone' },
  criu: { met: () => criuPath() !== undefined, reason: 'needs a CRIU that works on this kernel' },
  'criu-tracking': { met: tracksMemory, reason: 'needs a kernel on which CRIU can track memory (mem_dirty_track)' },
  'no-criu': { met: () => spawnSync('criu').error !== undefined, reason: 'needs a host without CRIU' },
  runc: { met: () => spawnSync('runc', ['--version']).status === 0, reason: 'needs runc' },
  'cgroup-unified': {
    met: () => /^0::/m.test(readFileSync('/proc/self/cgroup', 'utf8')),
    reason: 'needs a unified cgroup hierarchy',
  },
  'cgroup-v1': {
    met: () => /^\d+:[^:]+:/m.test(readFileSync('/proc/self/cgroup', 'utf8')),
    reason: 'needs cgroup v1 hierarchies',
  },
  'cgroup-v1-alone': {
    met: () => !/^0::/m.test(readFileSync('/proc/self/cgroup', 'utf8')),
    reason: 'needs a host with cgroup v1 alone',
  },
  'block-device': { met: () => blockDevice() !== undefined, reason: 'needs a block device' },
  'loop-devices': { met: present('/dev/loop-control'), reason: 'needs loop devices' },
  'block-weights': { met: hasBlockWeights, reason: 'needs weights of block I/O (BFQ, io.cost)' },
  'real-time-groups': { met: hasRealTimeGroups, reason: 'needs cgroup v1 with real-time groups' },
  // To let two containers compete.
  'one-cpu': {
    met: () => cpus().length === 1 || hierarchyOf('cpuset') !== undefined,
    reason: 'needs the cgroup controller cpuset, or no more than one CPU',
  },
  'no-net-controllers': {
    met: () => ['net_cls', 'net_prio'].every((name) => hierarchyOf(name) === undefined),
    reason: 'needs a host without the cgroup controllers net_cls and net_prio',
  },
  // Set by scripts/test-vm.mjs.
  'own-machine': {
    met: () => process.env.OWN_MACHINE === '1',
    reason: 'changes the cgroup hierarchies of the whole machine',
  },
  'files-on-block-device': { met: filesOnBlockDevice, reason: 'needs files on a block device' },
  'huge-pages': { met: present('/sys/kernel/mm/hugepages/hugepages-2048kB'), reason: 'needs huge pages of 2 MiB' },
  memfd_noexec: {
    met: present('/proc/sys/vm/memfd_noexec'),
    reason: 'needs a kernel with the sysctl vm.memfd_noexec (Linux 6.3)',
  },
  psi: { met: present('/proc/pressure/cpu'), reason: 'needs a kernel that tells pressure (PSI)' },
  'x86-64': { met: () => process.arch === 'x64', reason: 'calls the kernel by the numbers of x86-64' },
  // In User-mode Linux ps -ef fails: "Unable to get system boot time".
  ps: { met: () => spawnSync('ps', ['-ef']).status === 0, reason: 'needs a ps(1) that works' },
  engines: {
    met: () => ['podman', 'docker'].every((name) => spawnSync(name, ['--version']).status === 0),
    reason: 'needs podman and Docker',
  },
  systemd: { met: present('/run/systemd/system'), reason: 'needs systemd as process 1' },
  'no-systemd': { met: () => !existsSync('/run/systemd/system'), reason: 'needs a host without systemd' },
  'cgroup-v2': { met: present('/sys/fs/cgroup/cgroup.controllers'), reason: 'needs a host with cgroup v2 alone' },
  apparmor: { met: present('/sys/kernel/security/apparmor'), reason: 'needs a kernel with AppArmor' },
  selinux: { met: present('/sys/fs/selinux/enforce'), reason: 'needs a kernel with SELinux' },
  'no-apparmor': { met: () => !existsSync('/sys/module/apparmor'), reason: 'needs a kernel without AppArmor' },
  'no-selinux': { met: () => !existsSync('/sys/fs/selinux/enforce'), reason: 'needs a kernel without SELinux' },
  overlay: { met: () => readFileSync('/proc/filesystems', 'utf8').includes('\toverlay\n'), reason: 'needs overlayfs' },
  browser: { met: () => browserPath() !== undefined, reason: 'needs Chromium (Debian: chromium-headless-shell)' },
  tmux: { met: () => spawnSync('tmux', ['-V']).status === 0, reason: 'needs tmux' },
  zsh: { met: () => spawnSync('zsh', ['--version']).status === 0, reason: 'needs zsh' },
  fish: { met: () => spawnSync('fish', ['--version']).status === 0, reason: 'needs fish' },
  'user-namespaces': { met: present('/proc/self/ns/user'), reason: 'needs user namespaces' },
  newuidmap: {
    met: () => spawnSync('newuidmap').error === undefined && existsSync('/etc/subuid'),
    reason: 'needs newuidmap and /etc/subuid',
  },
  'proc-of-others': {
    met: () => !/^([0-5]|6\.1[0-6]|6\.[0-9])\b/.test(release()),
    reason: 'needs a kernel that mounts the proc of a pid namespace for somebody outside (Linux 6.17)',
  },
  'kernel-before-6.5': {
    met: () => /^([0-5]\.|6\.[0-4]\.)/.test(release()),
    reason: 'needs a kernel whose overlayfs takes no layers one by one (before Linux 6.5)',
  },
  'mkfs.xfs': { met: () => spawnSync('mkfs.xfs', ['-V']).status === 0, reason: 'needs mkfs.xfs' },
  'time-namespaces': { met: present('/proc/self/ns/time'), reason: 'needs time namespaces' },
  veth: {
    met: () =>
      spawnSync('unshare', ['--net', 'ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1']).status === 0,
    reason: 'needs network namespaces and veth devices',
  },
  fuse: { met: present('/dev/fuse'), reason: 'needs FUSE' },
  'no-resctrl': {
    met: () => !readFileSync('/proc/self/mountinfo', 'utf8').includes(' - resctrl '),
    reason: 'needs a host without resctrl',
  },
  numa: { met: present('/proc/self/numa_maps'), reason: 'needs a kernel with NUMA policies' },
  'sys-resource': { met: () => hasCapability(24), reason: 'needs CAP_SYS_RESOURCE' },
  'sys-nice': { met: () => hasCapability(23), reason: 'needs CAP_SYS_NICE' },
} as const

/** A controller (its name in cgroup v2), in whichever version of cgroups the host has it, or in this one. */
type ControllerNeed = `cgroup${'' | '-v1' | '-v2'}:${string}`

/** Something that a test cannot do without. */
export type Need = keyof typeof needs | ControllerNeed

function missingController(need: ControllerNeed): string | undefined {
  const [where = '', controller = ''] = need.split(':')
  const version = hierarchyOf(controller)?.version
  if (version !== undefined && (where === 'cgroup' || where === `cgroup-v${version}`)) return undefined
  return `needs the cgroup controller ${controller}${where === 'cgroup' ? '' : ` in ${where.replace('-', ' ')}`}`
}

const isController = (need: Need): need is ControllerNeed => need.includes(':')

/** The first reason why a test with these needs cannot run here, or false. */
export function requires(...names: Need[]): string | false {
  for (const name of names) {
    const reason = isController(name) ? missingController(name) : needs[name].met() ? undefined : needs[name].reason
    if (reason !== undefined) return reason
  }
  return false
}

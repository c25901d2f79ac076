// Programs and libraries of the system that building and testing need, and how each distribution calls them.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ending, Failure } from './process.mjs'

const onPath = (name) => findProgram(name) !== undefined
const onDebian = existsSync('/etc/debian_version')
const onMusl =
  existsSync(`/lib/ld-musl-${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.so.1`) &&
  !existsSync('/etc/debian_version')

/** What each purpose needs. Names of packages in the order of `managers`; '' where none is needed. */
const tools = {
  build: [
    { name: 'g++', there: () => onPath('g++'), packages: ['g++', 'gcc-c++', 'g++', 'gcc'] },
    { name: 'make', there: () => onPath('make'), packages: ['make', 'make', 'make', 'make'] },
    { name: 'cmake', there: () => onPath('cmake'), packages: ['cmake', 'cmake', 'cmake', 'cmake'] },
    { name: 'xz', there: () => onPath('xz'), packages: ['xz-utils', 'xz', 'xz', 'xz'] },
    {
      name: 'musl-gcc',
      there: () => onMusl || onPath('musl-gcc'),
      packages: ['musl-tools', 'musl-gcc', '', 'musl'],
    },
    {
      name: 'seccomp.h',
      there: () => existsSync('/usr/include/seccomp.h'),
      packages: [
        'libseccomp-dev',
        'libseccomp-devel libseccomp-static',
        'libseccomp-dev libseccomp-static',
        'libseccomp',
      ],
    },
    // What images need: tar, gzip, zstd, SHA-256; static ones where the distribution has them.
    ...[
      ['archive.h', 'libarchive-dev', 'libarchive-devel', 'libarchive-dev libarchive-static', 'libarchive'],
      ['zlib.h', 'zlib1g-dev', 'zlib-devel', 'zlib-dev zlib-static', 'zlib'],
      ['zstd.h', 'libzstd-dev', 'libzstd-devel', 'zstd-dev zstd-static', 'zstd'],
      ['nettle/sha2.h', 'nettle-dev', 'nettle-devel', 'nettle-dev nettle-static', 'nettle'],
    ].map(([name, ...packages]) => ({ name, there: () => existsSync(`/usr/include/${name}`), packages })),
    {
      name: 'linux/bpf.h',
      there: () => existsSync('/usr/include/linux/bpf.h'),
      packages: ['linux-libc-dev', 'kernel-headers', 'linux-headers', 'linux-api-headers'],
    },
  ],
  test: [
    {
      name: 'a static busybox',
      there: () => staticBusybox() !== undefined,
      packages: ['busybox-static', 'busybox', 'busybox-static', 'busybox'],
    },
    { name: 'strace', there: () => onPath('strace'), packages: ['strace', 'strace', 'strace', 'strace'] },
    {
      name: 'newuidmap',
      there: () => onPath('newuidmap'),
      packages: ['uidmap', 'shadow-utils', 'shadow-uidmap', 'shadow'],
    },
    {
      name: 'script',
      there: () => onPath('script'),
      packages: ['bsdutils', 'util-linux', 'util-linux-misc', 'util-linux'],
    },
    {
      name: 'dbus-daemon',
      there: () => onPath('dbus-daemon'),
      packages: ['dbus-daemon', 'dbus-daemon', 'dbus', 'dbus'],
    },
    { name: 'ip', there: () => onPath('ip'), packages: ['iproute2', 'iproute', 'iproute2', 'iproute2'] },
    { name: 'tmux', there: () => onPath('tmux'), packages: ['tmux', 'tmux', 'tmux', 'tmux'] },
    { name: 'zsh', there: () => onPath('zsh'), packages: ['zsh', 'zsh', 'zsh', 'zsh'] },
    { name: 'fish', there: () => onPath('fish'), packages: ['fish', 'fish', 'fish', 'fish'] },
    { name: 'mkfs.xfs', there: () => onPath('mkfs.xfs'), packages: ['xfsprogs', 'xfsprogs', 'xfsprogs', 'xfsprogs'] },
    { name: 'zstd', there: () => onPath('zstd'), packages: ['zstd', 'zstd', 'zstd', 'zstd'] },
  ],
  // Only as Debian packages them: the lane is not run elsewhere.
  engines: [
    ['dockerd', 'docker.io'],
    ['containerd', 'containerd'],
    ['podman', 'podman'],
    ['buildah', 'buildah'],
    ['conmon', 'conmon'],
    ['docker-registry', 'docker-registry'],
    ['docker-compose', 'docker-compose'],
    ['skopeo', 'skopeo'],
    ['umoci', 'umoci'],
    ['setcap', 'libcap2-bin'],
    ['setfattr', 'attr'],
    ['iptables', 'iptables'],
    ['ip', 'iproute2'],
    ['runc', 'runc'],
    ['tini-static', 'tini'],
  ].map(([name, debian]) => ({ name, there: () => onPath(name), packages: [debian, '', '', ''] })),
  browser: [
    {
      name: 'chromium',
      there: () => ['chromium-headless-shell', 'chromium', 'chromium-browser'].some(onPath),
      packages: ['chromium-headless-shell', 'chromium-headless', 'chromium', 'chromium'],
    },
  ],
  // Only as Debian has them: elsewhere a release is made for the machine's own architecture.
  release: [
    ['dpkg-deb', 'dpkg'],
    ['aarch64-linux-gnu-g++', 'g++-aarch64-linux-gnu'],
    ['qemu-aarch64-static', 'qemu-user-static'],
    ['debootstrap', 'debootstrap'],
  ].map(([name, debian]) => ({ name, there: () => !onDebian || onPath(name), packages: [debian, '', '', ''] })),
  fuzz: [
    {
      name: 'clang++ with libFuzzer',
      there: hasFuzzer,
      packages: ['clang libclang-rt-dev', 'clang compiler-rt', 'clang compiler-rt', 'clang compiler-rt'],
    },
  ],
  check: [
    {
      name: 'clang-format',
      there: () => onPath('clang-format'),
      packages: ['clang-format', 'clang-tools-extra', 'clang-extra-tools', 'clang'],
    },
    {
      name: 'clang-tidy',
      there: () => onPath('clang-tidy'),
      packages: ['clang-tidy', 'clang-tools-extra', 'clang-extra-tools', 'clang'],
    },
    { name: 'nm', there: () => onPath('nm'), packages: ['binutils', 'binutils', 'binutils', 'binutils'] },
  ],
}

const managers = [
  { program: 'apt-get', refresh: ['update', '-q'], install: ['install', '-y', '-q', '--no-install-recommends'] },
  {
    program: 'dnf',
    refresh: ['makecache', '-q'],
    install: ['install', '-y', '-q', '--setopt=install_weak_deps=False'],
  },
  { program: 'apk', refresh: ['update', '-q'], install: ['add', '-q'] },
  { program: 'pacman', refresh: ['-Sy', '--noconfirm'], install: ['-S', '--noconfirm', '--needed'] },
]

/** Installs what is missing for these purposes as root; otherwise, or with `reportOnly`, throws with the command to run. */
export function installTools(purposes, { reportOnly } = {}) {
  const missing = purposes.flatMap((purpose) => tools[purpose]).filter((tool) => !tool.there())
  if (missing.length === 0) return
  const names = missing.map(({ name }) => name).join(', ')
  const place = managers.findIndex(({ program }) => onPath(program))
  if (place < 0) throw new Failure(`missing on this machine: ${names}; install it with the system's package manager`)
  const packages = [...new Set(missing.flatMap((tool) => tool.packages[place].split(' ')).filter(Boolean))]
  const { program, install, refresh } = managers[place]
  if (reportOnly || process.getuid() !== 0) {
    throw new Failure(
      `missing on this machine: ${names}; install it with\n  sudo ${program} ${install.join(' ')} ${packages.join(' ')}`,
    )
  }
  console.log(`installing ${packages.join(' ')} (${program})`)
  // Without an index yet, or with one too old to be served, the first attempt fails.
  let result = manage(program, [...install, ...packages])
  if (result.status !== 0) {
    manage(program, refresh)
    result = manage(program, [...install, ...packages])
  }
  const still = missing.filter((tool) => !tool.there()).map(({ name }) => name)
  if (result.status !== 0 || still.length > 0) {
    throw new Failure(
      `cannot install ${still.join(', ')}: ${program} ended with ${ending(result)}\n${result.stderr ?? ''}`.trimEnd(),
    )
  }
}

function manage(program, args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return withoutServices(() => spawnSync(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' }))
}

/** Debian starts the daemons that it installs, unless this file says no; ours are started by their tests. */
function withoutServices(install) {
  const policy = '/usr/sbin/policy-rc.d'
  if (!existsSync('/etc/debian_version') || existsSync(policy)) return install()
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    return install()
  } finally {
    rmSync(policy)
  }
}

/** Full path of a program, also in the folders of system programs, which a user's PATH may lack. */
export function findProgram(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  return folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** True for a clang with the library that fuzzes, which Debian packages apart; distributions put it at different places. */
function hasFuzzer() {
  const { status, stdout } = spawnSync('clang++', ['-print-resource-dir'], { encoding: 'utf8' })
  if (status !== 0) return false
  const folder = join(stdout.trim(), 'lib')
  return (
    existsSync(folder) && readdirSync(folder, { recursive: true }).some((name) => /libclang_rt\.fuzzer[-.]/.test(name))
  )
}

/** A busybox that needs no library, so that it alone makes a rootfs. */
export function staticBusybox() {
  return ['busybox', 'busybox.static', 'busybox-static']
    .map((name) => findProgram(name))
    .find((path) => path !== undefined && isStatic(path))
}

/** True for an ELF program without an interpreter (PT_INTERP), elf(5). */
function isStatic(path) {
  const elf = readFileSync(path)
  const [offset, size, count] = [Number(elf.readBigUInt64LE(32)), elf.readUInt16LE(54), elf.readUInt16LE(56)]
  const types = Array.from({ length: count }, (_, i) => elf.readUInt32LE(offset + i * size))
  return !types.includes(3)
}

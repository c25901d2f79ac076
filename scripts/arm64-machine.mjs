// A virtual machine for arm64 with Debian's kernel and QEMU, without acceleration: runs commands with tsrun of build/arm64 in it.
// usage: node scripts/arm64-machine.mjs 'SHELL COMMAND'     (default: a container says where it runs)
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fetchForeign, fetchWithDependencies } from './apt.mjs'
import { buildArm64 } from './arm64.mjs'
import { Failure, isMain, root, runQuietly, script } from './process.mjs'

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tsrun-vm')
const suite = 'bookworm'
/** Emulated, on a machine that has other work. */
const limit = 900_000

/** QEMU with its own libraries: as a program and its first arguments. */
function emulator() {
  const folder = join(cache, 'qemu-arm64')
  mkdirSync(cache, { recursive: true })
  if (!existsSync(folder)) fetchWithDependencies(['qemu-system-arm'], suite, folder)
  const places = ['lib', 'usr/lib'].map((place) => join(folder, place, 'x86_64-linux-gnu'))
  const loader = places.map((place) => join(place, 'ld-linux-x86-64.so.2')).find((path) => existsSync(path))
  const program = join(folder, 'usr/bin/qemu-system-aarch64')
  return [loader, '--library-path', places.join(':'), program, '-L', join(folder, 'usr/share/qemu')]
}

/** Folder with kernel and static busybox. */
function guest() {
  const folder = join(cache, 'arm64')
  if (!existsSync(folder)) fetchForeign(['kernel-of:linux-image-cloud-arm64', 'busybox-static'], suite, 'arm64', folder)
  return folder
}

/** pivot_root needs a root that is no initramfs: first all of it is copied to a tmpfs. */
const init = (command) => `#!/bin/busybox sh
b=/bin/busybox
if [ ! -e /new ]; then
  $b mkdir /new && $b mount -t tmpfs -o size=75% new /new && $b cp -a /bin /init /bundle /tsrun /new && $b mkdir /new/new
  exec $b switch_root /new /init
fi
$b mkdir -p /proc /sys /dev /run /tmp /root
$b mount -t proc proc /proc; $b mount -t sysfs sys /sys; $b mount -t devtmpfs dev /dev; $b mount -t tmpfs run /run
$b mkdir -p /dev/pts /dev/shm; $b mount -t devpts devpts /dev/pts; $b mount -t tmpfs shm /dev/shm
$b mount -t cgroup2 cgroup2 /sys/fs/cgroup
$b --install -s /bin; export PATH=/bin:/ HOME=/root; cd /
$b stty -F /dev/ttyAMA0 -onlcr
echo BEGIN; (${command}) 2>&1; echo END $?
$b poweroff -f
`

/** What a shell command prints in the machine, and its status. tsrun is /tsrun, /bundle has busybox as its root. @throws Failure */
export function runInMachine(folder, command) {
  const work = mkdtempSync(join(tmpdir(), 'tsrun-arm64-'))
  try {
    const { initrd, kernel } = prepare(work, folder, command)
    const [program, ...first] = emulator()
    const machine = '-M virt -cpu max -smp 2 -m 1G -nographic -no-reboot -nodefaults -serial stdio'.split(' ')
    const boot = ['-kernel', kernel, '-initrd', initrd, '-append', 'console=ttyAMA0 quiet panic=-1']
    const options = { encoding: 'utf8', timeout: limit, maxBuffer: 1 << 24, stdio: ['ignore', 'pipe', 'pipe'] }
    const { stdout, stderr } = spawnSync(program, [...first, ...machine, ...boot], options)
    const found = /^BEGIN\r?\n([^]*)^END (\d+)/m.exec(stdout)
    if (!found) throw new Failure(`the machine said no end:\n${stdout}${stderr}`)
    return { stdout: found[1].replaceAll('\r', ''), status: Number(found[2]) }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function prepare(work, folder, command) {
  const system = guest()
  const tree = join(work, 'tree')
  const rootfs = join(tree, 'bundle/rootfs')
  for (const place of [join(tree, 'bin'), join(rootfs, 'bin')]) {
    mkdirSync(place, { recursive: true })
    cpSync(join(system, 'bin/busybox'), join(place, 'busybox'))
  }
  cpSync(join(rootfs, 'bin/busybox'), join(rootfs, 'bin/sh'))
  cpSync(join(folder, 'tsrun'), join(tree, 'tsrun'))
  const spec = ['spec', '--bundle', join(tree, 'bundle')]
  runQuietly(join(root, 'dist/tsrun'), spec)
  writeFileSync(join(tree, 'init'), init(command))
  chmodSync(join(tree, 'init'), 0o755)
  const initrd = join(work, 'initrd')
  runQuietly('sh', ['-c', `cd '${tree}' && find . | '${busybox()}' cpio -o -H newc > '${initrd}'`])
  const kernel = readdirSync(join(system, 'boot')).find((name) => name.startsWith('vmlinuz'))
  return { initrd, kernel: join(system, 'boot', kernel) }
}

/** This machine's, for cpio. */
const busybox = () => ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path)) ?? 'busybox'

/** A container that tells its machine: a terminal is what `tsrun spec` asks for, and there is none. */
export const demonstration = `sed -i 's/"terminal": true/"terminal": false/; s|"sh"|"sh", "-c", "busybox uname -m; busybox id -u; busybox cat /proc/self/cgroup"|' /bundle/config.json &&
/tsrun run --bundle /bundle demo && /tsrun create --bundle /bundle second && /tsrun state second && /tsrun start second && /tsrun delete --force second && /tsrun list`

if (isMain(import.meta.url)) {
  await script(async ([command = demonstration]) => {
    const { stdout, status } = runInMachine(await buildArm64(), command)
    process.stdout.write(stdout)
    return status
  })
}

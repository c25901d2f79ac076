// The lane `vm`: test files in virtual machines whose only cgroup hierarchy is v2 (test/vm/vmrun), one of them with
// systemd as process 1. Few boots with many files each: booting and loading the test runner costs more than most tests.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from './process.mjs'
import { filesBelow } from './stamp.mjs'
import { findProgram } from './tools.mjs'

/** What depends on the kind of cgroups, and on abilities that a host without virtual machine may lack. */
const cgroupTests =
  'cgroup-mount cgroups create-start device-rules events exec exec-cgroup kill-delete no-systemd pause-resume ps resources rlimits run small-limits update'.split(
    ' ',
  )

/**
 * Machines and their tests; a file that isn't there is left out. `limit`: seconds until a machine is stopped;
 * `only`: no tests but those that need one of these controllers.
 */
const machines = [
  {
    name: 'cgroup v2 (User-mode Linux)',
    options: ['--uml'],
    files: cgroupTests.map((name) => `integration/${name}`),
    limit: 420,
  },
  { name: 'systemd (User-mode Linux)', options: ['--uml', '--systemd'], files: ['vm/systemd'], limit: 300 },
  {
    name: 'cgroup v2 with all controllers (QEMU)',
    options: ['-m', '2G'],
    files: ['integration/resources'],
    // QEMU is slow, so only what User-mode Linux cannot do.
    only: 'cpuset hugetlb rdma',
    limit: 300,
  },
]

/** Why this host cannot boot the machines; undefined when it can. */
export function reasonAgainstMachines() {
  if (process.getuid() !== 0) return 'needs root'
  if (process.arch !== 'x64') return 'the virtual machines are for x86-64'
  if (!findProgram('apt-get') || !existsSync('/usr/share/keyrings/debian-archive-keyring.gpg')) {
    return 'needs a Debian host: the machines are made of its packages'
  }
  const missing = ['bash', 'flock', 'unshare', 'dpkg', 'xz', 'gzip', 'mkfifo'].find((name) => !findProgram(name))
  return missing && `needs ${missing}`
}

/** Packages and kernels are kept outside of the project, for all its checkouts. */
function cacheFolder() {
  const folder = process.env.VMRUN_CACHE ?? join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tsrun-vm')
  mkdirSync(folder, { recursive: true })
  return folder
}

/** Runs all machines, one after the other, and returns how many tests passed, failed and were skipped. */
export async function runMachines() {
  const total = { passed: 0, failed: 0, skipped: 0 }
  for (const machine of machines) {
    const counts = await runMachine(machine)
    for (const key of Object.keys(total)) total[key] += counts[key]
  }
  return total
}

async function runMachine({ name, options, files, limit, only = '' }) {
  const compiled = new Set(filesBelow('build/test/integration', 'build/test/vm'))
  const present = files.map((file) => join(root, `build/test/${file}.test.js`)).filter((file) => compiled.has(file))
  if (present.length === 0) return { passed: 0, failed: 0, skipped: 0 }
  const began = performance.now()
  const relative = present.map((file) => file.slice(root.length + 1))
  const { counts, status, output } = await boot(
    [...options, '--timeout', String(limit)],
    [`ONLY_CONTROLLERS=${only}`],
    [name, '1', ...relative],
  )
  console.log(`  ${name}: ${Math.round((performance.now() - began) / 1000)} s`)
  if (counts) return counts
  console.log(`  the virtual machine has ended with status ${status} before its tests had:`)
  console.log(output.slice(-40).join('\n').replace(/^/gm, '    '))
  return { passed: 0, failed: present.length, skipped: 0 }
}

/** Boots one machine; what its tests print is printed as it comes, but for the last line, which has the counts. */
async function boot(options, environment, args) {
  // The guest's / is an overlay, which cannot be the lower layer of everything that tests mount: hence /run.
  const command = ['env', 'TMPDIR=/run', ...environment, process.execPath, 'scripts/test-vm-guest.mjs', ...args]
  const vmrun = join(root, 'test/vm/vmrun')
  const machine = spawn(vmrun, [...options, '--', ...command], {
    cwd: root,
    env: { ...process.env, VMRUN_CACHE: cacheFolder() },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = []
  let counts
  createInterface({ input: machine.stderr }).on('line', (line) => output.push(line))
  createInterface({ input: machine.stdout }).on('line', (line) => {
    output.push(line)
    if (/^\{"passed":\d+,"failed":\d+,"skipped":\d+\}\r?$/.test(line)) counts = JSON.parse(line)
    else console.log(line)
  })
  const status = await new Promise((resolve) => machine.on('close', (code, signal) => resolve(code ?? signal)))
  return { counts, status, output }
}

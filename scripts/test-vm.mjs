// The lane `vm`: test files in virtual machines whose only cgroup hierarchy is v2 (test/vm/vmrun), or with systemd as
// process 1 and either version of cgroups. Few boots with many files each: booting and loading the test runner costs more than most tests.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { reasonAgainstPackages } from './apt.mjs'
import { fetchEngines } from './newest-engines.mjs'
import { ending, root } from './process.mjs'
import { filesBelow } from './stamp.mjs'
import { findProgram } from './tools.mjs'

/** What depends on the kind of cgroups, and on abilities that a host without virtual machine may lack. */
const files =
  'cgroup-mount cgroup-owner cgroup-sharing cgroups cpu-effects create-start device-rules events exec-cgroup kill-delete memory-effects net-devices no-systemd pause-resume ps resource-effects resource-errors resources rlimits rootless-cgroups run small-limits update'.split(
    ' ',
  )

const hybrid = ['--systemd', '--cgroups', 'hybrid']

/**
 * Machines and their tests; a file that isn't there is left out. `limit`: seconds until a machine is stopped;
 * `only`: no tests but those with one of these needs; `engines`: gives the root directory of the engines to test, if not the host's.
 */
const machines = [
  // The one that takes longest begins.
  {
    name: 'cgroup v2 with all controllers (QEMU)',
    options: ['-m', '2G', '--disk', '256M'],
    files: 'resources resource-errors resource-effects cpu-effects memory-effects legacy-controllers'
      .split(' ')
      .map((name) => `integration/${name}`)
      .concat('vm/apparmor'),
    // QEMU is slow, so only what User-mode Linux cannot do.
    only: 'cpuset files-on-block-device hugetlb io own-machine psi rdma',
    // The disk, since a limit of block I/O needs files on a block device.
    temporary: '/mnt',
    limit: 900,
  },
  {
    name: 'cgroup v2 (User-mode Linux)',
    options: ['--uml'],
    files: files.map((name) => `integration/${name}`),
    limit: 600,
  },
  {
    name: 'systemd (User-mode Linux)',
    options: ['--uml', '--systemd'],
    files: [
      'vm/systemd',
      'vm/systemd-limits',
      'vm/systemd-faults',
      'vm/systemd-sweep',
      'vm/systemd-user',
      'vm/engines-systemd',
    ],
    limit: 500,
  },
  {
    name: 'systemd, engines of Debian sid (User-mode Linux)',
    options: ['--uml', '--systemd'],
    files: ['vm/engines-systemd'],
    engines: fetchEngines,
    limit: 400,
  },
  {
    name: 'systemd, cgroup v1 alone (User-mode Linux)',
    options: ['--uml', '--systemd', '--cgroups', 'v1'],
    files: ['vm/systemd', 'vm/systemd-limits'],
    limit: 400,
  },
  {
    name: 'systemd, hybrid (User-mode Linux)',
    options: ['--uml', ...hybrid],
    files: ['vm/systemd', 'vm/systemd-limits'],
    limit: 400,
  },
  {
    name: 'systemd, hybrid with all controllers (QEMU)',
    options: [...hybrid, '-m', '2G'],
    files: ['vm/systemd-limits', 'integration/image-stacks'],
    // The kernel of User-mode Linux has neither in cgroup v1; and this one is the oldest.
    only: 'memory cpuset kernel-before-6.5',
    limit: 400,
  },
  {
    name: 'cgroup v2 with SELinux (QEMU)',
    options: ['-m', '1G', '--selinux'],
    files: ['vm/selinux'],
    limit: 300,
  },
  {
    name: 'checkpoints, cgroup v2 alone (QEMU)',
    options: ['-m', '2G'],
    // CRIU needs more than the kernel of User-mode Linux has.
    files: ['integration/checkpoint', 'integration/checkpoint-options'],
    only: 'criu',
    limit: 1200,
    long: true,
  },
  {
    name: 'checkpoints, cgroup v1 alone (QEMU)',
    options: ['--systemd', '--cgroups', 'v1', '-m', '2G'],
    files: ['integration/checkpoint'],
    only: 'criu',
    limit: 1200,
    long: true,
  },
]

/** User-mode Linux has one CPU, so that two machines hinder each other little. */
const atATime = 2

/** Why this host cannot boot the machines; undefined when it can. */
export function reasonAgainstMachines() {
  if (process.getuid() !== 0) return 'needs root'
  if (process.arch !== 'x64') return 'the virtual machines are for x86-64'
  const reason = reasonAgainstPackages()
  if (reason) return `${reason}: the machines are made of its packages`
  const missing = ['bash', 'flock', 'unshare', 'dpkg', 'xz', 'gzip', 'mkfifo'].find((name) => !findProgram(name))
  return missing && `needs ${missing}`
}

/** Packages and kernels are kept outside of the project, for all its checkouts. */
function cacheFolder() {
  const folder = process.env.VMRUN_CACHE ?? join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tsrun-vm')
  mkdirSync(folder, { recursive: true })
  return folder
}

/**
 * Runs all machines and returns how many tests passed, failed and were skipped. `files`: only these of theirs;
 * `sample`: without long ones; `seen`: a folder for what the tests have seen of limits (test/helpers/seen.ts), a file per machine.
 */
export async function runMachines({ files: chosen, sample, seen } = {}) {
  const total = { passed: 0, failed: 0, skipped: 0 }
  if (![['--uml'], [], hybrid].every(fetchMachine)) return { ...total, failed: 1 }
  const waiting = machines
    .map((machine) => ({ ...machine, seen, files: machine.files.filter((file) => !chosen || chosen.includes(file)) }))
    .filter(({ files: some, long }) => some.length > 0 && !(sample && long))
  const work = async () => {
    for (let machine = waiting.shift(); machine !== undefined; machine = waiting.shift()) {
      const counts = await runMachine(machine)
      for (const key of Object.keys(total)) total[key] += counts[key]
    }
  }
  await Promise.all(Array.from({ length: atATime }, work))
  return total
}

const vmrun = join(root, 'test/vm/vmrun')
const environment = () => ({ ...process.env, VMRUN_CACHE: cacheFolder() })

/** Fetches and unpacks what a kind of machine is made of, where it isn't there; a download may fail once. False: it can't. */
function fetchMachine(kind) {
  const began = performance.now()
  const fetch = () => spawnSync(vmrun, [...kind, '--setup'], { env: environment(), encoding: 'utf8' })
  let result = fetch()
  if (result.status !== 0) {
    console.log(`  cannot fetch the virtual machine (${ending(result)}), trying once more: ${result.stderr.trimEnd()}`)
    result = fetch()
  }
  if (result.status !== 0) console.log(`  cannot fetch the virtual machine: ${result.stderr.trimEnd()}`)
  const seconds = Math.round((performance.now() - began) / 1000)
  if (seconds > 2) console.log(`  fetched a virtual machine: ${seconds} s`)
  return result.status === 0
}

/** Runs a machine and prints what its tests have printed; one that does not come up is booted once more. */
async function runMachine(machine) {
  const { name, files: all } = machine
  const compiled = new Set(filesBelow('build/test/integration', 'build/test/vm'))
  const present = all.map((file) => join(root, `build/test/${file}.test.js`)).filter((file) => compiled.has(file))
  const relative = present.map((file) => file.slice(root.length + 1))
  const began = performance.now()
  let result = await boot(machine, relative)
  if (result.printed.length === 0) {
    console.log(`\n${name}\n  has not come up (status ${result.status}), trying once more:\n${tail(result.errors)}`)
    result = await boot(machine, relative)
  }
  const { counts, status, printed, errors } = result
  console.log(printed.join('\n'))
  console.log(`  ${name}: ${Math.round((performance.now() - began) / 1000)} s`)
  if (counts) return counts
  console.log(`  the virtual machine has ended with status ${status} before its tests had:\n${tail(errors)}`)
  return { passed: 0, failed: present.length, skipped: 0 }
}

const tail = (lines) => lines.slice(-40).join('\n').replace(/^/gm, '    ')

/** Boots one machine: what its tests print, without the last line, which has the counts. */
async function boot({ name, options, only = '', temporary = '/run', limit, seen, engines }, tests) {
  // The guest's / is an overlay, which cannot be the lower layer of everything that tests mount: hence TMPDIR.
  const variables = [`TMPDIR=${temporary}`, `ONLY_NEEDS=${only}`, 'OWN_MACHINE=1', `CI=${process.env.CI ?? ''}`]
  if (engines !== undefined) variables.push(`ENGINES_ROOT=${engines()}`)
  if (seen !== undefined) variables.push(`RESOURCES_SEEN=${join(seen, `${name}.jsonl`)}`)
  const shared = seen === undefined ? [] : ['--rw', seen]
  const command = ['env', ...variables, process.execPath, 'scripts/test-vm-guest.mjs', name, ...tests]
  const machine = spawn(vmrun, [...options, ...shared, '--timeout', String(limit), '--', ...command], {
    cwd: root,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const printed = []
  const errors = []
  let counts
  createInterface({ input: machine.stderr }).on('line', (line) => errors.push(line))
  createInterface({ input: machine.stdout }).on('line', (line) => {
    if (/^\{"passed":\d+,"failed":\d+,"skipped":\d+\}\r?$/.test(line)) counts = JSON.parse(line)
    else printed.push(line)
  })
  const status = await new Promise((resolve) => machine.on('close', (code, signal) => resolve(code ?? signal)))
  return { counts, status, printed, errors }
}

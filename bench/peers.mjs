// Newer runtimes than this machine's, from Debian's packages, to measure beside tsrun: crun and runc of trixie and sid with their own
// libraries, and crun linked statically from trixie's sources. Prints what `RUNTIMES=` takes.
// usage: RUNTIMES=$(node bench/peers.mjs) npm run bench
import { copyFileSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism, homedir } from 'node:os'
import { join } from 'node:path'
import { fetchWithDependencies, reasonAgainstPackages } from '../scripts/apt.mjs'
import { debianSource } from '../scripts/debian-source.mjs'
import { Failure, isMain, output, script } from '../scripts/process.mjs'
import { findProgram } from '../scripts/tools.mjs'

const packages = [
  { name: 'crun', suite: 'trixie' },
  { name: 'crun', suite: 'sid' },
  { name: 'runc', suite: 'sid' },
]

const crunSource = {
  name: 'crun-1.21',
  file: 'c/crun/crun_1.21.orig.tar.gz',
  sha256: '4bfb700e764a4804a4de3ecf07753f4c391005356d60356df65d80ae0914c486',
}

const yajl = '/usr/lib/x86_64-linux-gnu/libyajl_s.a'

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tsrun-peers')

/** Path of a package's program. It starts itself again by /proc/self/exe: so its own file has to name its loader and libraries. */
function dynamic({ name, suite }) {
  const folder = join(cache, `${name}-${suite}`)
  const program = join(folder, name)
  if (existsSync(program)) return program
  fetchWithDependencies([name], suite, folder)
  const libraries = join(folder, 'usr/lib/x86_64-linux-gnu')
  const original = ['usr/bin', 'usr/sbin'].map((place) => join(folder, place, name)).find((path) => existsSync(path))
  const loader = join(libraries, 'ld-linux-x86-64.so.2')
  copyFileSync(original, `${program}.new`)
  output('patchelf', ['--force-rpath', '--set-interpreter', loader, '--set-rpath', libraries, `${program}.new`])
  output('mv', [`${program}.new`, program])
  return program
}

/** Path of a crun without shared libraries, and so without systemd. */
function linkedStatically() {
  const program = join(cache, 'crun-static')
  if (existsSync(program)) return program
  const { folder, reason } = debianSource(crunSource)
  if (folder === undefined) throw new Failure(reason)
  const work = `${program}-${process.pid}`
  output('cp', ['-a', folder, work])
  try {
    const at = { cwd: work, stdio: ['ignore', 'pipe', 'pipe'] }
    // Made from git, which an archive has not.
    writeFileSync(join(work, 'git-version.h'), '#define GIT_VERSION "1.21"\n')
    // Debian calls the static library libyajl_s, and takes the embedded one out of crun's archive.
    symlinkSync(yajl, join(work, 'libyajl.a'))
    output('./configure', ['--disable-systemd', 'CFLAGS=-O2'], at)
    output('make', [`-j${availableParallelism()}`, 'crun', `LDFLAGS=-L${work} -static-libgcc -all-static`], at)
    copyFileSync(join(work, 'crun'), program)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return program
}

function main() {
  const reason = reasonAgainstPackages() ?? (process.arch === 'x64' ? undefined : 'only for x86-64')
  if (reason) throw new Failure(reason)
  for (const [tool, name] of [
    ['patchelf', 'patchelf'],
    ['/usr/include/sys/capability.h', 'libcap-dev'],
    [yajl, 'libyajl-dev'],
  ])
    if (!findProgram(tool) && !existsSync(tool)) throw new Failure(`needs Debian's package ${name}`)
  mkdirSync(cache, { recursive: true })
  const found = [
    ...packages.map((one) => [`${one.name}-${one.suite}`, dynamic(one)]),
    ['crun-static', linkedStatically()],
  ]
  console.log(found.map(([name, path]) => `${name}=${path}`).join(','))
}

if (isMain(import.meta.url)) await script(main)

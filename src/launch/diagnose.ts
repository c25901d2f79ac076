/** Stage 4, launch: why a program could not be executed, and what helps. Loaded after a failure only. */
import type { Config, Process } from '../config/types.js'
import type { SyscallError } from '../errors.js'
import { ownProgram, readBelow } from '../native/binding.js'
import { formatOf, type Format } from './executable.js'
import { missingLibrary } from './libraries.js'
import type { Subject } from './hint.js'
import { View } from './view.js'

/** A subject, and how its files are looked up. */
interface Case extends Subject {
  readonly view: View
}

const openCase = (subject: Subject): Case => {
  const { pid, rootfs, bundle, config } = subject
  return { ...subject, view: pid === undefined ? View.ofConfig(rootfs, bundle, config) : View.ofProcess(pid) }
}

/** What a search has found out; undefined: nothing. */
type Finding = string | undefined

/** Dynamic loaders by their file names, and what brings them. */
const loaders: readonly (readonly [RegExp, string])[] = [
  [/\/ld-musl-/, 'musl libc, as Alpine has it (package musl)'],
  [/\/ld-linux-x86-64\.so\.2$/, 'glibc (Debian: package libc6)'],
  [/\/ld-linux-aarch64\.so\.1$/, 'glibc for arm64 (Debian: package libc6)'],
  [/\/ld-linux\.so\.2$/, '32-bit glibc (Debian: package libc6:i386)'],
  [/\/ld-linux-armhf\.so\.3$/, '32-bit glibc (Debian: package libc6:armhf)'],
  [/\/ld64?\.so\.[12]$/, 'glibc (Debian: package libc6)'],
]

/** e_machine of elf(5). */
const machines: Readonly<Record<number, string>> = {
  ...{ 3: 'i386', 8: 'MIPS', 20: 'PowerPC', 21: 'ppc64', 22: 's390x', 40: '32-bit ARM', 62: 'x86-64' },
  ...{ 183: 'arm64', 243: 'RISC-V', 258: 'LoongArch' },
}

/** Why a program cannot be found or executed, and what to do about it; undefined: nothing more is known. */
export const explainFailure = (error: SyscallError, subject: Subject): Finding => diagnose(error, openCase(subject))

/** Why a program that has ended with status 127 may have done so: its dynamic loader found a library missing. */
export function explainEnd(subject: Subject): Finding {
  const { process, view } = openCase(subject)
  const path = findProgram(process, view)
  return path === undefined ? undefined : missingLibrary(path, process, view)
}

function diagnose(error: SyscallError, subject: Case): Finding {
  const { process, view } = subject
  const [name = ''] = process.args
  const path = findProgram(process, view)
  if (path === undefined || view.look(path) === undefined) {
    return unreachable(path ?? name, subject) ?? (error.errnoName === 'ENOENT' ? notFound(name, process) : undefined)
  }
  return unreachable(path, subject) ?? notExecutable(path, subject) ?? wrongFormat(path, subject, error.errnoName)
}

/** The file that is meant: by path, or the first of its name in a directory of PATH. */
function findProgram(process: Process, view: View): string | undefined {
  const [name = ''] = process.args
  if (name.startsWith('/')) return name
  if (name.includes('/')) return `${process.cwd}/${name}`
  return pathOf(process)
    ?.split(':')
    .map((folder) => `${folder || '.'}/${name}`)
    .find((path) => view.look(path) !== undefined)
}

const pathOf = (process: Process): string | undefined =>
  process.env?.findLast((entry) => entry.startsWith('PATH='))?.slice('PATH='.length)

function notFound(name: string, process: Process): Finding {
  if (/\s/.test(name)) {
    return `args has ${JSON.stringify(name)} as the name of the program: each argument is an element of its own`
  }
  if (!name.includes('/') && !pathOf(process)) return 'process.env has no PATH to search: give one, or the whole path'
  return undefined
}

/** A directory on the way that the user may not search, or that is none. */
function unreachable(path: string, { process, config, view }: Case): Finding {
  const whole = path.startsWith('/') ? path : `${process.cwd}/${path}`
  for (const way of new Set([whole, view.look(whole)?.place ?? whole])) {
    const names = way.split('/').filter(Boolean)
    for (let depth = 1; depth < names.length; depth++) {
      const directory = `/${names.slice(0, depth).join('/')}`
      const found = view.look(directory)
      if (found === undefined) break
      if (found.type !== 'directory') return `${JSON.stringify(directory)} on the way is a file`
      const right = mayUse(found, process, config)
      if (right) continue
      const mode = found.mode.toString(8).padStart(4, '0')
      return `user ${process.user?.uid ?? 0} may not search ${JSON.stringify(directory)} (mode ${mode}, owner ${found.uid}): chmod o+x, or run as another user`
    }
  }
  return undefined
}

/** True when the process has the right to execute or search, by the mode alone or by a capability. */
function mayUse(
  file: { readonly mode: number; readonly uid: number; readonly gid: number },
  process: Process,
  { linux }: Config,
): boolean {
  if ((file.mode & 0o111) === 0o111) return true
  const { uid = 0, gid = 0, additionalGids = [] } = process.user ?? {}
  const capable = process.capabilities?.effective?.some((name) => /^CAP_DAC_(OVERRIDE|READ_SEARCH)$/.test(name))
  if (capable) return true
  if (file.uid === outside(uid, linux?.uidMappings)) return (file.mode & 0o100) !== 0
  const groups = [gid, ...additionalGids].map((one) => outside(one, linux?.gidMappings))
  return (file.mode & (groups.includes(file.gid) ? 0o010 : 0o001)) !== 0
}

type Mappings = readonly { readonly containerID: number; readonly hostID: number; readonly size: number }[]

function outside(id: number, mappings: Mappings | undefined): number {
  if (mappings === undefined || mappings.length === 0) return id
  const mapping = mappings.find(({ containerID, size }) => id >= containerID && id < containerID + size)
  return mapping === undefined ? -1 : mapping.hostID + id - mapping.containerID
}

/** What keeps a file that is there from being executed, whatever is in it. */
function notExecutable(path: string, { process, config, view, rootfs }: Case): Finding {
  const found = view.look(path)
  if (found === undefined || found.type !== 'file') return undefined
  const name = JSON.stringify(path)
  if (found.noexec) {
    const mount = view.mountOf(path)
    return mount === undefined
      ? `the rootfs ${JSON.stringify(rootfs)} lies on a file system that is mounted with noexec: mount -o remount,exec it, or move the rootfs`
      : `${name} lies on the mount ${JSON.stringify(mount)}, which has noexec: leave that option out, or move the program`
  }
  const mode = found.mode.toString(8).padStart(4, '0')
  if ((found.mode & 0o111) === 0) return `${name} has no execute bit (mode ${mode}): chmod +x`
  if (!mayUse(found, withoutCapabilities(process), config)) {
    return `user ${process.user?.uid ?? 0} may not execute ${name} (mode ${mode}, owner ${found.uid}): chmod o+x, or run as another user`
  }
  return undefined
}

/** For files CAP_DAC_READ_SEARCH is no right to execute; CAP_DAC_OVERRIDE is, where there is any execute bit. */
function withoutCapabilities(process: Process): Process {
  const effective = process.capabilities?.effective?.filter((name) => name === 'CAP_DAC_OVERRIDE') ?? []
  return { ...process, capabilities: { effective } }
}

/** How many interpreters of interpreters are looked at, as the kernel does. */
const deepest = 4

function wrongFormat(path: string, subject: Case, errno: string, depth = 0): Finding {
  const format = formatOf(subject.view.reader(path))
  const name = JSON.stringify(path)
  switch (format.kind) {
    case 'empty':
      return errno === 'ENOEXEC' ? `${name} is empty` : undefined
    case 'text':
      if (errno !== 'ENOEXEC') return undefined
      return `${name} has no "#!" in its first line: let it begin with #!/bin/sh, or run it as an argument of a shell`
    case 'unknown':
      return errno === 'ENOEXEC' ? `${name} is neither an ELF program nor a script` : undefined
    case 'script':
      return script(name, format, subject, errno, depth)
    case 'elf':
      return program(name, format, subject, errno)
  }
}

function script(
  name: string,
  { interpreter, carriageReturn }: Extract<Format, { kind: 'script' }>,
  subject: Case,
  errno: string,
  depth: number,
): Finding {
  if (carriageReturn) {
    return `the first line of the script ${name} ends with a carriage return (CRLF), which the kernel takes for a part of ${JSON.stringify(interpreter)}: convert it (dos2unix, or sed -i 's/\\r$//')`
  }
  if (interpreter === '') return `${name} names no interpreter after "#!"`
  if (subject.view.look(interpreter) === undefined) {
    return `the script ${name} wants the interpreter ${JSON.stringify(interpreter)}, which is not in the container: install it, or change the first line`
  }
  if (depth >= deepest) return undefined
  return (
    unreachable(interpreter, subject) ??
    notExecutable(interpreter, subject) ??
    wrongFormat(interpreter, subject, errno, depth + 1)
  )
}

function program(
  name: string,
  { machine, bits, interpreter }: Extract<Format, { kind: 'elf' }>,
  subject: Case,
  errno: string,
): Finding {
  const own = ownMachine()
  if (errno === 'ENOEXEC') {
    const foreign = machines[machine] ?? `machine ${machine} of elf(5)`
    if (machine === own) return `${name} is a damaged ELF program, or one for another operating system`
    return `${name} is a program for ${foreign} (${bits} bits), this machine is ${machines[own] ?? 'another'}: take an image for this machine, or register an emulator (Debian: package qemu-user-static)`
  }
  if (interpreter === undefined) return undefined
  if (subject.view.look(interpreter) === undefined) {
    const brings = loaders.find(([pattern]) => pattern.test(interpreter))?.[1] ?? 'the C library it was built with'
    return `${name} needs the ELF interpreter ${JSON.stringify(interpreter)}, which is not in the container: it comes with ${brings}; or link the program statically`
  }
  return notExecutable(interpreter, subject)
}

/** e_machine of tsrun itself, or of the Node.js that runs it. */
function ownMachine(): number {
  const format = formatOf((offset, size) => readBelow('/', ownProgram(), offset, size))
  return format.kind === 'elf' ? format.machine : -1
}

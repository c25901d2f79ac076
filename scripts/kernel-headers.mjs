// Compiles native code against newer kernel headers than this machine's, since a change there has stopped it from
// compiling before (linux/ioprio.h of 6.1.192). They are kept for a day, for all checkouts.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fetchPackage, reasonAgainstPackages } from './apt.mjs'
import { cmakeFolder } from './build.mjs'
import { ending, Failure, root } from './process.mjs'
import { filesBelow } from './stamp.mjs'

/** What Debian 12 gets next, and what comes to it with a later kernel. */
const suites = ['bookworm-security', 'sid']

const day = 24 * 3600 * 1000

/** Compiles, syntax only. Returns words for what was not checked, or what it was checked against. */
export function checkKernelHeaders() {
  const reason = reasonAgainstPackages()
  if (reason) return `not checked: ${reason}`
  const commands = join(root, cmakeFolder, 'compile_commands.json')
  if (!existsSync(commands)) throw new Failure('native code was not compiled here (the prebuilt one is in use)')
  const sources = JSON.parse(readFileSync(commands, 'utf8')).filter(usesKernelHeaders())
  const words = suites.map((suite) => {
    const { folder, version } = fetchHeaders(suite)
    const failed = sources.map((source) => compile(source, join(folder, 'usr/include'))).filter(Boolean)
    if (failed.length > 0) throw new Failure(`native code does not compile with ${version}\n${failed.join('\n')}`)
    return version
  })
  return `ok: ${sources.length} files with ${words.join(' and ')}`
}

/** Tells the sources that include a header of the kernel, themselves or by a header of ours that they name. */
function usesKernelHeaders() {
  const direct = /^#include (<linux\/|"sys\/kernel\.h")/m
  const headers = filesBelow('native').filter((file) => file.endsWith('.h') && direct.test(readFileSync(file, 'utf8')))
  const names = headers.map((file) => `#include "${file.slice(join(root, 'native/').length)}"`)
  // Nearly every source includes this one; those that name sys/kernel.h themselves are enough for it.
  const few = names.filter((line) => !line.includes('sys/syscall.h'))
  return ({ file }) => {
    const text = file.endsWith('.cc') ? readFileSync(file, 'utf8') : ''
    return direct.test(text) || few.some((line) => text.includes(line))
  }
}

/** What the compiler says against a source of compile_commands.json; undefined when nothing. */
function compile({ command, directory, file }, include) {
  // In front of the system's own; -o would overwrite the object of the build.
  const places = [include, join(include, `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`)]
  const line = `${command.replace(/ -o \S+/, '')} -fsyntax-only ${places.map((at) => `-isystem '${at}'`).join(' ')}`
  const result = spawnSync('/bin/sh', ['-c', line], { cwd: directory, encoding: 'utf8' })
  return result.status === 0 ? undefined : `${file}: ${ending(result)}\n${result.stderr}`
}

/** Folder of a suite's headers, and their version in words. Older ones serve where Debian cannot be reached. */
function fetchHeaders(suite) {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tsrun-kernel-headers')
  mkdirSync(cache, { recursive: true })
  const folder = join(cache, suite)
  const stamp = join(folder, 'version')
  const words = () => `linux-libc-dev ${readFileSync(stamp, 'utf8')} of ${suite}`
  if (existsSync(stamp) && Date.now() - statSync(stamp).mtimeMs < day) return { folder, version: words() }
  try {
    fetchPackage('linux-libc-dev', suite, folder)
    return { folder, version: words() }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const problem = error.message.split('\n').at(-1)
    if (!existsSync(stamp)) throw new Failure(`not checked: cannot fetch linux-libc-dev of ${suite}: ${problem}`)
    return { folder, version: `${words()} (fetched earlier, now: ${problem})` }
  }
}

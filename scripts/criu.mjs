// CRIU of Debian sid with its libraries, in a cache for all checkouts: that of Debian 12 (3.17) fails its own check on
// kernels from 6.4 on. What a test starts is a script that runs it with its own loader and libraries.
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fetchWithDependencies, reasonAgainstPackages } from './apt.mjs'
import { Failure } from './process.mjs'

/** The folder with a program `criu`, for a PATH. @throws Failure where it cannot be had */
export function fetchCriu() {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tsrun-criu')
  const bin = join(cache, 'bin')
  if (existsSync(join(bin, 'criu'))) return bin
  const reason = reasonAgainstPackages()
  if (reason) throw new Failure(reason)
  mkdirSync(bin, { recursive: true })
  const folder = join(cache, 'criu')
  fetchWithDependencies(['criu'], 'sid', folder)
  const [loader, triple] =
    process.arch === 'arm64'
      ? ['ld-linux-aarch64.so.1', 'aarch64-linux-gnu']
      : ['ld-linux-x86-64.so.2', 'x86_64-linux-gnu']
  const libraries = join(folder, 'usr/lib', triple)
  const command = `exec '${libraries}/${loader}' --library-path '${libraries}' '${folder}/usr/sbin/criu' "$@"`
  writeFileSync(join(bin, 'criu'), `#!/bin/sh\n${command}\n`)
  chmodSync(join(bin, 'criu'), 0o755)
  return bin
}

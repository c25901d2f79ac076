/** Library: the programs of the host as a root file system that can only be read. */
import type { Mount } from '../config/types.js'
import { fileInfo, hasErrno, makeDirectory, replaceFile } from '../native/binding.js'

/** What programs need, and nothing of the host's secrets: of /etc only what the loader and TLS read. */
const shown = [
  ...['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'],
  ...['/etc/alternatives', '/etc/ld.so.cache', '/etc/ld.so.conf', '/etc/ld.so.conf.d'],
  ...['/etc/ssl', '/etc/pki', '/etc/ca-certificates', '/etc/localtime'],
]

/** Places of mounts that are not of the host. */
const own = ['/proc', '/dev', '/sys', '/tmp', '/etc', '/root', '/run', '/var', '/var/tmp']

const passwd = 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n'
const group = 'root:x:0:\nnogroup:x:65534:\n'

/** A root file system: an empty one, and what is mounted over it. */
export interface HostView {
  readonly path: string
  readonly mounts: readonly Mount[]
}

/**
 * A view of the host. Its folder of mount points lies below `root` and is the same for all containers, which cannot write
 * to it. @throws SyscallError
 */
export function hostView(root: string): HostView {
  const path = `${root}/.host`
  for (const parent of parents(path)) ensure(parent)
  for (const place of own) ensure(`${path}${place}`)
  const there = shown.filter((place) => fileInfo(place) !== undefined)
  for (const place of there) {
    if (isFile(place)) touch(`${path}${place}`, '')
    else ensure(`${path}${place}`)
  }
  touch(`${path}/etc/passwd`, passwd)
  touch(`${path}/etc/group`, group)
  const options = ['rbind', 'rro', 'rnosuid', 'rnodev']
  return { path, mounts: there.map((place) => ({ destination: place, type: 'bind', source: place, options })) }
}

/** Also by a link: /etc/localtime is one. */
const isFile = (path: string): boolean => fileInfo(`${path}/.`) === undefined

const parents = (path: string): string[] =>
  path
    .split('/')
    .slice(1)
    .map((_, index, parts) => `/${parts.slice(0, index + 1).join('/')}`)

function ensure(path: string): void {
  if (fileInfo(path) !== undefined) return
  try {
    makeDirectory(path, 0o755)
  } catch (error) {
    // Somebody else was faster.
    if (!hasErrno(error, 'EEXIST')) throw error
  }
}

function touch(path: string, text: string): void {
  if (fileInfo(path) === undefined) replaceFile(path, text, 0o644)
}

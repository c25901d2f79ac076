// A bundle as Docker writes it (seccomp profile, cgroups, limits), for the benches; its programs are a static busybox's.
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, root } from '../scripts/process.mjs'
import { staticBusybox } from '../scripts/tools.mjs'

const programs = ['sleep', 'true', 'dd', 'sh']

/** Makes it in a folder; `name` tells its cgroups from others', `args` is its program. */
export function makeEngineBundle(folder, { name, args, terminal = false }) {
  const busybox = staticBusybox()
  if (!busybox) throw new Failure('a static busybox is needed')
  for (const path of ['bin', 'proc', 'dev', 'sys', 'etc']) mkdirSync(join(folder, 'rootfs', path), { recursive: true })
  cpSync(busybox, join(folder, 'rootfs/bin/busybox'))
  for (const program of programs) symlinkSync('busybox', join(folder, 'rootfs/bin', program))
  const config = JSON.parse(readFileSync(join(root, 'test/data/docker-config.json'), 'utf8'))
  const { process, linux } = config
  // The newest version that the packaged runtimes know.
  config.ociVersion = '1.0.2'
  config.root = { path: 'rootfs' }
  config.process = { ...process, args, terminal, cwd: '/', apparmorProfile: undefined, rlimits: undefined }
  config.mounts = config.mounts.filter(({ type }) => type !== 'bind')
  config.hooks = undefined
  config.linux = { ...linux, cgroupsPath: `/bench-${name}` }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  return folder
}

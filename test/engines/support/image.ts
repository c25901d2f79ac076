/** Test support: an image whose root file system is a static busybox. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const folders = ['bin', 'dev', 'etc', 'home', 'proc', 'root', 'sys', 'tmp', 'var', 'www']

/** Makes the root file system in a folder that does not exist yet and returns a tar archive of it beside it. */
export function makeImage(folder: string): string {
  for (const name of folders) mkdirSync(join(folder, name), { recursive: true })
  copyFileSync('/bin/busybox', join(folder, 'bin/busybox'))
  const applets = spawnSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).stdout.split('\n')
  for (const name of applets.filter((name) => name !== '' && name !== 'busybox')) {
    symlinkSync('busybox', join(folder, 'bin', name))
  }
  writeFileSync(join(folder, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home:/bin/sh\n')
  writeFileSync(join(folder, 'etc/group'), 'root:x:0:\nuser:x:1000:\nmore:x:2000:user\n')
  writeFileSync(join(folder, 'www/index.html'), 'a page\n')
  const archive = `${folder}.tar`
  const packed = spawnSync('tar', ['-C', folder, '--owner=0', '--group=0', '-cf', archive, '.'], { encoding: 'utf8' })
  if (packed.status !== 0) throw new Error(`tar: ${packed.stderr}`)
  return archive
}

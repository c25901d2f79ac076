/** Test support: packs a root file system as an image in the layout of the OCI image specification. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const digestOf = (content: Buffer | string): string => createHash('sha256').update(content).digest('hex')

/** Makes an archive of an image with one layer (a tar archive) in a folder that does not exist yet; returns its path. */
export function writeImageArchive(layer: string, folder: string, name: string, command = ['sh']): string {
  const blobs = join(folder, 'blobs/sha256')
  mkdirSync(blobs, { recursive: true })
  const blob = (mediaType: string, content: Buffer | string): object => {
    const digest = digestOf(content)
    writeFileSync(join(blobs, digest), content)
    return { mediaType: `application/vnd.oci.image.${mediaType}`, digest: `sha256:${digest}`, size: content.length }
  }
  const content = readFileSync(layer)
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const config = {
    architecture,
    os: 'linux',
    config: { Cmd: command, Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digestOf(content)}`] },
  }
  const manifest = {
    schemaVersion: 2,
    config: blob('config.v1+json', JSON.stringify(config)),
    layers: [blob('layer.v1.tar', content)],
  }
  const annotations = { 'io.containerd.image.name': name }
  const entry = { ...blob('manifest.v1+json', JSON.stringify(manifest)), annotations }
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }))
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  const archive = `${folder}.tar`
  const packed = spawnSync('tar', ['-C', folder, '-cf', archive, '.'], { encoding: 'utf8' })
  if (packed.status !== 0) throw new Error(`tar: ${packed.stderr}`)
  return archive
}

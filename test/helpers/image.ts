/** Test helper: images on disk: OCI layouts, and archives as `docker save` writes them, of layers that a test makes. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { tar, type TarEntry } from './tar.js'

/** What an image is made of. */
export interface ImageParts {
  /** Each a tar, compressed or not. */
  readonly layers: readonly Buffer[]
  /** Digests of the unpacked layers, where they are not to be the right ones. */
  readonly diffs?: readonly string[]
  /** Member `config` of the image's config. */
  readonly config?: Readonly<Record<string, unknown>>
  readonly name?: string
}

/** Digest of some bytes. */
export const digestOf = (content: Buffer | string): string =>
  `sha256:${createHash('sha256').update(content).digest('hex')}`

/** Through the program of that name; `-d` for the way back. */
export function zstd(content: Buffer, ...args: string[]): Buffer {
  const { status, stdout, stderr } = spawnSync('zstd', ['-c', ...args], { input: content, maxBuffer: 2 ** 30 })
  if (status !== 0) throw new Error(`zstd: ${stderr.toString()}`)
  return stdout
}

function unpacked(layer: Buffer): Buffer {
  if (layer[0] === 0x1f && layer[1] === 0x8b) return gunzipSync(layer)
  if (layer.subarray(0, 4).equals(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]))) return zstd(layer, '-d')
  return layer
}

function imageConfig({ layers, diffs, config }: ImageParts): string {
  const diff_ids = diffs ?? layers.map((layer) => digestOf(unpacked(layer)))
  return JSON.stringify({ os: 'linux', architecture: 'amd64', config, rootfs: { type: 'layers', diff_ids } })
}

/** Writes an OCI layout; the digest of the image. `change` edits the manifest. */
export function writeLayout(
  folder: string,
  parts: ImageParts,
  change: (manifest: { config: object; layers: { digest: string; size: number }[] }) => void = () => undefined,
): string {
  mkdirSync(join(folder, 'blobs/sha256'), { recursive: true })
  const put = (content: Buffer | string, mediaType: string): { mediaType: string; digest: string; size: number } => {
    const digest = digestOf(content)
    writeFileSync(join(folder, 'blobs', digest.replace(':', '/')), content)
    return { mediaType, digest, size: Buffer.byteLength(content) }
  }
  const manifest = {
    schemaVersion: 2,
    config: put(imageConfig(parts), 'application/vnd.oci.image.config.v1+json'),
    layers: parts.layers.map((layer) => put(layer, 'application/vnd.oci.image.layer.v1.tar')),
  }
  change(manifest)
  const entry = put(JSON.stringify(manifest), 'application/vnd.oci.image.manifest.v1+json')
  const annotations = { 'org.opencontainers.image.ref.name': parts.name ?? 'test' }
  writeFileSync(
    join(folder, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...entry, annotations }] }),
  )
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  return entry.digest
}

/** An archive as `docker save` writes it; equal layers are links, as it made them until version 25. */
export function savedArchive(parts: ImageParts): Buffer {
  const config = imageConfig(parts)
  const configName = `${digestOf(config).slice(7)}.json`
  const names = parts.layers.map((_, place) => `${place}/layer.tar`)
  const saved = [{ Config: configName, RepoTags: [parts.name ?? 'test:latest'], Layers: names }]
  const files = parts.layers.map((layer, place): TarEntry => {
    const first = parts.layers.indexOf(layer)
    const name = names[place] ?? ''
    return first === place ? { name, content: layer } : { name, type: '2', link: `../${names[first] ?? ''}` }
  })
  return tar([
    { name: configName, content: config },
    ...files,
    { name: 'manifest.json', content: JSON.stringify(saved) },
  ])
}

/** A layer with busybox, whose applets are links, and a user `app` (1000) with the groups 1000 and 44. */
export function busyboxLayer(): Buffer {
  const applets = [
    'sh',
    'cat',
    'ls',
    'id',
    'env',
    'pwd',
    'touch',
    'rm',
    'stat',
    'sleep',
    'mount',
    'hostname',
    'readlink',
    'grep',
    'df',
    'unshare',
    'chroot',
  ]
  return gzipSync(
    tar([
      { name: './', type: '5', mode: 0o755 },
      { name: 'bin/', type: '5' },
      { name: 'bin/busybox', content: readFileSync('/bin/busybox'), mode: 0o755 },
      ...applets.map((name) => ({ name: `bin/${name}`, type: '2', link: 'busybox' })),
      { name: 'etc/', type: '5' },
      { name: 'etc/os-release', content: 'NAME=test\n' },
      { name: 'etc/passwd', content: 'root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n' },
      { name: 'etc/group', content: 'root:x:0:\napp:x:1000:\nvideo:x:44:app\n' },
      { name: 'tmp/', type: '5', mode: 0o1777 },
    ]),
    { level: 1 },
  )
}

/** Images: out of the store, as an OCI layout in a tar (image-spec, image-layout.md). */
import { writeArchive } from '../native/binding.js'
import { type Digest, hexOf, parseDigest } from './digest.js'
import { mediaType } from './documents.js'
import { findImage, readImage } from './image.js'
import type { ImageStore } from './store.js'

/** Writes an image to a descriptor. @throws ImageError, SyscallError */
export async function exportImage(store: ImageStore, text: string, fd: number): Promise<void> {
  const held = store.use()
  try {
    const digest = findImage(store, text)
    const { manifest } = await readImage(store, digest)
    const name = store.refs().find((ref) => ref.digest === digest)?.name
    const blobs = new Set<Digest>([
      digest,
      ...[manifest.config, ...manifest.layers].map((one) => parseDigest(one.digest)),
    ])
    const size = new TextEncoder().encode(store.readText(digest, 'the manifest')).length
    const entry = {
      ...{ mediaType: manifest.mediaType ?? mediaType.manifest, digest, size },
      ...(name === undefined
        ? {}
        : { annotations: { 'org.opencontainers.image.ref.name': name, 'io.containerd.image.name': name } }),
    }
    const index = store.putText(JSON.stringify({ schemaVersion: 2, mediaType: mediaType.index, manifests: [entry] }))
    const layout = store.putText('{"imageLayoutVersion":"1.0.0"}')
    writeArchive(fd, [
      ['oci-layout', store.blob(layout.digest)],
      ['index.json', store.blob(index.digest)],
      ...[...blobs].map((one) => [`blobs/sha256/${hexOf(one)}`, store.blob(one)] as const),
    ])
  } finally {
    held.release()
  }
}

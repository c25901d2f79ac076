/** Library: reads a stream to its end and keeps so much of it. */
import type { Readable } from 'node:stream'

/** How much is kept. */
export interface OutputOptions {
  /** Bytes of each stream; default 1 MiB. What comes beyond is read and dropped, so that the process can end. */
  readonly maxBuffer?: number
}

/** What has been kept. */
export interface Collected {
  readonly bytes: Uint8Array
  /** True when there was more. */
  readonly cut: boolean
}

const mebibyte = 1 << 20

/** Reads to the end; nothing of no stream. `onChunk` gets all that is kept, as it comes. */
export async function collect(
  stream: Readable | null,
  { maxBuffer = mebibyte }: OutputOptions,
  onChunk?: (chunk: Uint8Array) => void,
): Promise<Collected> {
  const chunks: Uint8Array[] = []
  let size = 0
  let cut = false
  if (stream !== null) {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      const kept = chunk.subarray(0, maxBuffer - size)
      cut ||= kept.length < chunk.length
      size += kept.length
      if (kept.length === 0) continue
      chunks.push(kept)
      onChunk?.(kept)
    }
  }
  return { bytes: Buffer.concat(chunks), cut }
}

/** Test helper: makes tar archives, good ones and such as no program makes (pax(1)). */

/** One entry. Numbers are written as they are, however wrong. */
export interface TarEntry {
  readonly name: string
  /** Type flag of the header: 0 file (default), 1 hard link, 2 link, 3 and 4 devices, 5 directory, 6 pipe. */
  readonly type?: string
  readonly content?: Buffer | string
  /** What the header says; default the content's length. */
  readonly size?: number
  readonly link?: string
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly device?: readonly [major: number, minor: number]
  /** Records of a pax header in front of it, such as `SCHILY.xattr.user.x`. */
  readonly pax?: Readonly<Record<string, string>>
}

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`
const padded = (content: Buffer): Buffer => Buffer.concat([content, Buffer.alloc((512 - (content.length % 512)) % 512)])

function header(entry: TarEntry, size: number): Buffer {
  const block = Buffer.alloc(512)
  block.write(entry.name, 0, 100, 'utf8')
  block.write(octal(entry.mode ?? (entry.type === '5' ? 0o755 : 0o644), 8), 100)
  block.write(octal(entry.uid ?? 0, 8), 108)
  block.write(octal(entry.gid ?? 0, 8), 116)
  // From 8 GiB on in base 256.
  if (size < 2 ** 33) block.write(octal(size, 12), 124)
  else block.writeBigUInt64BE(BigInt(size), block.writeUInt8(0x80, 124) + 3)
  block.write(octal(1_600_000_000, 12), 136)
  block.write('        ', 148)
  block.write(entry.type ?? '0', 156)
  block.write(entry.link ?? '', 157, 100, 'utf8')
  block.write('ustar\x0000', 257)
  const [major, minor] = entry.device ?? [0, 0]
  block.write(octal(major, 8), 329)
  block.write(octal(minor, 8), 337)
  block.write(
    octal(
      block.reduce((sum, byte) => sum + byte, 0),
      7,
    ),
    148,
  )
  return block
}

function paxRecord(name: string, value: string): string {
  const rest = Buffer.byteLength(` ${name}=${value}\n`)
  let length = rest + String(rest).length
  if (String(length).length !== String(rest).length) length = rest + String(length).length
  return `${length} ${name}=${value}\n`
}

function blocks(entry: TarEntry): Buffer[] {
  const content = Buffer.from(entry.content ?? '')
  const records = Object.entries(entry.pax ?? {}).map(([name, value]) => paxRecord(name, value))
  const pax = Buffer.from(records.join(''))
  const before = pax.length === 0 ? [] : [header({ name: 'pax', type: 'x' }, pax.length), padded(pax)]
  return [...before, header(entry, entry.size ?? content.length), padded(content)]
}

/** The archive, with its end mark. */
export const tar = (entries: readonly TarEntry[]): Buffer =>
  Buffer.concat([...entries.flatMap(blocks), Buffer.alloc(1024)])

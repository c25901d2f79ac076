/** Images: which of the images of an index is for this machine (image-spec, image-index.md "platform"). Pure. */
import { ImageError, UsageError } from '../errors.js'
import { type Descriptor, isImage } from './documents.js'

/** What an image is for, in the words of Go. */
export interface Platform {
  readonly architecture: string
  readonly variant?: string
}

/** Names of uname(2) in those of Go. */
const machines: Readonly<Record<string, Platform>> = {
  x86_64: { architecture: 'amd64' },
  aarch64: { architecture: 'arm64', variant: 'v8' },
  armv7l: { architecture: 'arm', variant: 'v7' },
  armv6l: { architecture: 'arm', variant: 'v6' },
  riscv64: { architecture: 'riscv64' },
  ppc64le: { architecture: 'ppc64le' },
  s390x: { architecture: 's390x' },
  i686: { architecture: '386' },
}

/** The platform of a machine by its name in uname(2). */
export const platformOfMachine = (machine: string): Platform => machines[machine] ?? { architecture: machine }

/** `[linux/]ARCHITECTURE[/VARIANT]`. @throws UsageError */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/')
  const [architecture, variant, ...more] = parts[0] === 'linux' ? parts.slice(1) : parts
  if (!architecture || more.length > 0)
    throw new UsageError(`invalid platform ${JSON.stringify(text)}: linux/amd64, for example`)
  return { architecture, ...(variant === undefined ? {} : { variant }) }
}

/** The first image of an index that fits. @throws ImageError that names those there are */
export function choose(manifests: readonly Descriptor[], wanted: Platform, what: string): Descriptor {
  const images = manifests.filter(isImage)
  const fits = ({ platform }: Descriptor): boolean =>
    platform === undefined || (platform.os === 'linux' && platform.architecture === wanted.architecture)
  const same = images.filter(fits)
  const best = same.find(({ platform }) => platform?.variant === wanted.variant) ?? same[0]
  if (best !== undefined) return best
  const there = images.map(({ platform }) => `${platform?.os ?? '?'}/${platform?.architecture ?? '?'}`).join(', ')
  throw new ImageError(
    `${what} has no image for linux/${wanted.architecture}${there === '' ? '' : `, only for ${there}`}`,
  )
}

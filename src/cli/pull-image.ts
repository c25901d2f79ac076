/** Command line: pulls an image: a program in Node.js downloads it, which the executable has no network for. */
import { ImageError, UnsupportedError } from '../core.js'
import { adoptImage } from '../image/adopt.js'
import { type Digest, parseDigest } from '../image/digest.js'
import type { LayerLimits } from '../image/layers.js'
import { parseReference } from '../image/reference.js'
import { platformOfMachine } from '../image/platform.js'
import type { ImageStore } from '../image/store.js'
import { fileInfo, machineName, processIds, realPath } from '../native/binding.js'
import { describeEnd, findProgram, runHelper } from '../native/helper-process.js'
import { blockingWaiter } from '../native/wait.js'
import { ownRights } from './image-options.js'
import { becomeRoot } from './become-root.js'
import { ownCommand } from './own-command.js'

/** How an image is pulled. */
export interface PullOptions {
  readonly platform?: string
  /** Without TLS, from a registry of this machine. */
  readonly insecure: boolean
  readonly limits: LayerLimits
}

const program = 'dist/package/download/main.js'
const others = 2
const writableByOthers = 0o022

/** Downloads, unpacks and names an image. @throws UsageError, ImageError, UnsupportedError without Node.js */
export async function pullImage(
  store: ImageStore,
  text: string,
  options: PullOptions,
): Promise<{ digest: Digest; name: string }> {
  const reference = parseReference(text)
  const { architecture, variant = '' } = platformOfMachine(machineName())
  const platform = options.platform ?? `linux/${architecture}${variant === '' ? '' : `/${variant}`}`
  // Until the name stands for it, nobody may collect what has come.
  const held = store.use()
  try {
    const node = findNode()
    const args = [
      node,
      findDownloader(),
      store.root,
      reference.name,
      platform,
      options.insecure ? 'insecure' : 'secure',
    ]
    const { status, output } = await runHelper(
      { path: node, args, cwd: '/', stderr: others, endsWithCaller: true },
      blockingWaiter,
    )
    if (status === null || !('code' in status) || status.code !== 0)
      throw new ImageError(`cannot pull ${reference.name}: ${output === '' ? describeEnd(status) : output}`)
    const digest = parseDigest(output)
    // Only now: to the namespace the owner of the program above would be nobody.
    becomeRoot()
    await adoptImage(store, digest, reference.name, { rights: ownRights(), limits: options.limits })
    return { digest, name: reference.name }
  } finally {
    held.release()
  }
}

const otherWays = 'or get it by other means (skopeo copy docker://IMAGE oci:DIR) and say: tsrun image import DIR'

function findNode(): string {
  const path = findProgram('node', `/usr/local/bin:/usr/bin:/bin:${process.env.PATH ?? ''}`)
  if (path !== undefined) return path
  throw new UnsupportedError(
    'node',
    `to pull an image takes Node.js 20 or later, which is not installed: install it, ${otherWays}`,
  )
}

/** Beside the executable, or where packages put it. Nobody but its owner may have written it. */
function findDownloader(): string {
  const own = ownCommand().args.at(-1) ?? ''
  const folder = own.slice(0, own.lastIndexOf('/'))
  const above = [folder, `${folder}/..`, `${folder}/../..`, `${folder}/../lib/tsrun`]
  const path = above.map((one) => `${one}/${program}`).find((one) => fileInfo(one)?.type === 'file')
  if (path === undefined)
    throw new UnsupportedError(
      'download',
      `the program that downloads images is not beside ${own} (${program}): install the package of tsrun, ${otherWays}`,
    )
  const real = realPath(path)
  const { euid } = processIds()
  for (const one of [real, real.slice(0, real.lastIndexOf('/'))]) {
    const info = fileInfo(one)
    if (info === undefined || (info.mode & writableByOthers) !== 0 || (info.uid !== 0 && info.uid !== euid))
      throw new UnsupportedError('download', `others than its owner may write ${JSON.stringify(one)}: it is not run`)
  }
  return real
}

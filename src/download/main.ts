/**
 * Download: the program that the command line runs in Node.js to download an image, as its engine has no network:
 * `node main.js STORE REFERENCE PLATFORM secure|insecure`. Prints the digest of the manifest, or fails with one line.
 */
import { messageChain } from '../errors.js'
import { parsePlatform } from '../image/platform.js'
import { parseReference } from '../image/reference.js'
import { ImageStore } from '../image/store.js'
import { writeOut } from '../native/binding.js'
import { download } from './download.js'

const [, , root = '', reference = '', platform = '', security] = process.argv

try {
  const options = { platform: parsePlatform(platform), insecure: security === 'insecure' }
  writeOut(1, await download(new ImageStore(root), parseReference(reference), options))
} catch (error) {
  writeOut(1, messageChain(error))
  process.exitCode = 1
}

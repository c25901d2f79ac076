/** Command line: the options that `checkpoint` and `restore` share. */
import { cleanPath } from '../core.js'
import { realPath } from '../native/binding.js'
import type { OptionSpec } from './argv.js'

/** Their keys are those of CriuOptions. */
export const criuOptions = [
  {
    name: 'image-path',
    kind: 'string',
    value: 'DIR',
    default: './checkpoint',
    description: "directory of CRIU's images",
  },
  { name: 'work-path', kind: 'string', value: 'DIR', description: "directory of CRIU's log (default: the image path)" },
  { name: 'tcp-established', kind: 'boolean', description: 'with open TCP connections' },
  { name: 'ext-unix-sk', kind: 'boolean', description: 'with connected unix sockets whose other end is outside' },
  { name: 'shell-job', kind: 'boolean', description: "with the caller's terminal" },
  { name: 'lazy-pages', kind: 'boolean', description: 'hand memory over when it is used, by userfaultfd' },
  { name: 'file-locks', kind: 'boolean', description: 'with file locks' },
  {
    name: 'manage-cgroups-mode',
    kind: 'string',
    value: 'MODE',
    default: 'soft',
    description: 'what CRIU does with cgroups: soft, full, strict or ignore',
  },
  { name: 'empty-ns', kind: 'list', value: 'TYPE', description: 'leave what is in a namespace out: network' },
  { name: 'auto-dedup', kind: 'boolean', description: 'drop pages from earlier images that later ones have' },
] as const satisfies readonly OptionSpec[]

/** A path from the working directory on. */
export const absolute = (path: string): string => cleanPath(path.startsWith('/') ? path : `${realPath('.')}/${path}`)

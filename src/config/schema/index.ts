/** Stage 1, config: the shape of the whole config.json. Members of other platforms and `vm` are ignored. */
import { hooksShape } from './hooks.js'
import { linuxShape } from './linux.js'
import { mountsShape } from './mounts.js'
import { processShape } from './process.js'
import { lazily, object } from './shape.js'
import { flag, text, textMap, textOrEmpty } from './values.js'

/** Shape of config.json. */
export const documentShape = lazily(() =>
  object(
    {},
    {
      // not judged any further, as by the peers: engines write all sorts of versions
      ociVersion: text,
      root: object({ path: text }, { readonly: flag }),
      mounts: mountsShape(),
      process: processShape(),
      hostname: textOrEmpty,
      domainname: textOrEmpty,
      hooks: hooksShape(),
      annotations: textMap,
      linux: linuxShape(),
    },
  ),
)

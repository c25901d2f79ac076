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
      /** `path` is absolute or relative to the bundle. */
      root: object({ path: text }, { readonly: flag }),
      /** Destinations are absolute and lexically clean after loading. */
      mounts: mountsShape(),
      process: processShape(),
      /** Needs a UTS namespace of the container's own, as domainname does. */
      hostname: textOrEmpty,
      domainname: textOrEmpty,
      hooks: hooksShape(),
      annotations: textMap,
      linux: linuxShape(),
    },
  ),
)

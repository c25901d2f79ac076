/** Stage 1, config: the shape of `mounts` (config.md "Mounts") and of id mappings. */
import { lazily, list, object } from './shape.js'
import { text, textOrEmpty, texts, uint32 } from './values.js'

/** Shape of a list of id mappings. */
export const idMappingsShape = lazily(() => list(object({ containerID: uint32, hostID: uint32, size: uint32 }, {})))

/** Shape of `mounts`. */
export const mountsShape = lazily(() =>
  list(
    object(
      { destination: text },
      {
        type: textOrEmpty,
        source: textOrEmpty,
        options: texts,
        uidMappings: idMappingsShape(),
        gidMappings: idMappingsShape(),
      },
    ),
  ),
)

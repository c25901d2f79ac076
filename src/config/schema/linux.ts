/** Stage 1, config: the shape of `linux` (config-linux.md). */
import { idMappingsShape } from './mounts.js'
import { resourcesShape } from './resources.js'
import { seccompShape } from './seccomp.js'
import { integer, lazily, list, map, object, oneOf } from './shape.js'
import { deviceType, memoryPolicyFlag, memoryPolicyMode, personalityDomain } from '../vocabulary/linux.js'
import { propagation } from '../vocabulary/mounts.js'
import { namespaceType } from '../vocabulary/namespaces.js'
import { flag, id, safeInteger, text, textMap, textOrEmpty, texts, uint32 } from './values.js'

/** Shape of `linux`. */
export const linuxShape = lazily(() =>
  object(
    {},
    {
      namespaces: list(object({ type: oneOf('namespace type', namespaceType) }, { path: textOrEmpty })),
      uidMappings: idMappingsShape(),
      gidMappings: idMappingsShape(),
      /** What the clocks of the container are ahead of the host's (time_namespaces(7)). */
      timeOffsets: timeOffsetsShape(),
      devices: list(
        object(
          { type: oneOf('device type', deviceType), path: text },
          { major: uint32, minor: uint32, fileMode: uint32, uid: id, gid: id },
        ),
      ),
      /** By the name of the interface in the runtime namespace. */
      netDevices: map(object({}, { name: textOrEmpty })),
      cgroupsPath: textOrEmpty,
      resources: resourcesShape(),
      rootfsPropagation: oneOf('propagation', propagation, { emptyIsAbsent: true }),
      seccomp: seccompShape(),
      sysctl: textMap,
      maskedPaths: texts,
      readonlyPaths: texts,
      mountLabel: textOrEmpty,
      intelRdt: object(
        {},
        {
          closID: textOrEmpty,
          schemata: texts,
          l3CacheSchema: textOrEmpty,
          memBwSchema: textOrEmpty,
          enableMonitoring: flag,
        },
      ),
      /** Arguments of set_mempolicy(2); `nodes` is a list such as `0-3,7`. */
      memoryPolicy: object(
        { mode: oneOf('memory policy mode', memoryPolicyMode) },
        { nodes: textOrEmpty, flags: list(oneOf('memory policy flag', memoryPolicyFlag)) },
      ),
      /** `flags` are reserved by the spec and have no effect. */
      personality: object({ domain: oneOf('personality domain', personalityDomain) }, { flags: texts }),
    },
  ),
)

// strict: the member names are the clocks, so an unknown one is an unknown value
const timeOffsetsShape = lazily(() => {
  const offset = object({}, { secs: safeInteger, nanosecs: integer(0, 999_999_999) })
  return object({}, { monotonic: offset, boottime: offset }, { strict: true })
})

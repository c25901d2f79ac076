/** Stage 1, config: the shape of `linux` (config-linux.md). */
import { idMappingsShape } from './mounts.js'
import { resourcesShape } from './resources.js'
import { seccompShape } from './seccomp.js'
import { integer, lazily, list, map, object, oneOf } from './shape.js'
import { flag, id, safeInteger, text, textMap, textOrEmpty, texts, uint32 } from './values.js'

const namespaceTypes = ['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'] as const

const deviceTypes = ['c', 'b', 'u', 'p'] as const

const propagations = [
  'private',
  'shared',
  'slave',
  'unbindable',
  'rprivate',
  'rshared',
  'rslave',
  'runbindable',
] as const

const personalityDomains = ['LINUX', 'LINUX32'] as const

const memoryPolicyModes = [
  'MPOL_DEFAULT',
  'MPOL_BIND',
  'MPOL_INTERLEAVE',
  'MPOL_WEIGHTED_INTERLEAVE',
  'MPOL_PREFERRED',
  'MPOL_PREFERRED_MANY',
  'MPOL_LOCAL',
] as const

const memoryPolicyFlags = ['MPOL_F_NUMA_BALANCING', 'MPOL_F_RELATIVE_NODES', 'MPOL_F_STATIC_NODES'] as const

/** Shape of `linux`. */
export const linuxShape = lazily(() =>
  object(
    {},
    {
      namespaces: list(object({ type: oneOf('namespace type', namespaceTypes) }, { path: textOrEmpty })),
      uidMappings: idMappingsShape(),
      gidMappings: idMappingsShape(),
      timeOffsets: timeOffsetsShape(),
      devices: list(
        object(
          { type: oneOf('device type', deviceTypes), path: text },
          { major: uint32, minor: uint32, fileMode: uint32, uid: id, gid: id },
        ),
      ),
      netDevices: map(object({}, { name: textOrEmpty })),
      cgroupsPath: textOrEmpty,
      resources: resourcesShape(),
      rootfsPropagation: oneOf('propagation', propagations, { emptyIsAbsent: true }),
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
      memoryPolicy: object(
        { mode: oneOf('memory policy mode', memoryPolicyModes) },
        { nodes: textOrEmpty, flags: list(oneOf('memory policy flag', memoryPolicyFlags)) },
      ),
      personality: object({ domain: oneOf('personality domain', personalityDomains) }, { flags: texts }),
    },
  ),
)

// strict: the member names are the clocks, so an unknown one is an unknown value
const timeOffsetsShape = lazily(() => {
  const offset = object({}, { secs: safeInteger, nanosecs: integer(0, 999_999_999) })
  return object({}, { monotonic: offset, boottime: offset }, { strict: true })
})

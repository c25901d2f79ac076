/** Stage 1, config: the shape of `linux.resources` (config-linux.md "Control groups"), which `update` reads as well. */
import { integer, lazily, list, map, object } from './shape.js'
import { flag, int64, text, textMap, textThat, uint16, uint32, uint64 } from './values.js'

/** Shape of `linux.resources`. */
export const resourcesShape = lazily(() =>
  object(
    {},
    {
      devices: list(
        object({ allow: flag }, { type: text, major: deviceNumber(), minor: deviceNumber(), access: text }),
      ),
      /** Bytes; -1 is unlimited. */
      memory: memoryShape(),
      /** Times in microseconds; `cpus` and `mems` are lists such as `0-3,7`. */
      cpu: cpuShape(),
      /** Number of tasks; -1 is unlimited. */
      pids: object({}, { limit: int64 }),
      /** Weights (10 to 1000) and throttles: bytes or operations per second of one block device. */
      blockIO: blockIOShape(),
      /** Bytes of huge pages of one size (`2MB`). */
      hugepageLimits: list(object({ pageSize: pageSize(), limit: uint64 }, {})),
      /** net_cls and net_prio of cgroup v1. */
      network: object({}, { classID: uint32, priorities: list(object({ name: text, priority: uint32 }, {})) }),
      /** By the name of the RDMA device. */
      rdma: map(object({}, { hcaHandles: uint32, hcaObjects: uint32 })),
      /** Files of cgroup v2 and their content. */
      unified: textMap,
    },
  ),
)

// -1 stands for all numbers
const deviceNumber = lazily(() => integer(-1, 0xffffffff))

const memoryShape = lazily(() =>
  object(
    {},
    {
      limit: int64,
      reservation: int64,
      swap: int64,
      kernel: int64,
      kernelTCP: int64,
      swappiness: uint64,
      disableOOMKiller: flag,
      useHierarchy: flag,
      checkBeforeUpdate: flag,
    },
  ),
)

const cpuShape = lazily(() =>
  object(
    {},
    {
      shares: uint64,
      quota: int64,
      burst: uint64,
      period: uint64,
      realtimeRuntime: int64,
      realtimePeriod: uint64,
      cpus: text,
      mems: text,
      idle: int64,
    },
  ),
)

const blockIOShape = lazily(() => {
  const device = { major: deviceNumber(), minor: deviceNumber() }
  const throttles = list(object(device, { rate: uint64 }))
  return object(
    {},
    {
      weight: uint16,
      leafWeight: uint16,
      weightDevice: list(object(device, { weight: uint16, leafWeight: uint16 })),
      throttleReadBpsDevice: throttles,
      throttleWriteBpsDevice: throttles,
      throttleReadIOPSDevice: throttles,
      throttleWriteIOPSDevice: throttles,
    },
  )
})

const pageSize = lazily(() => textThat((value) => /^[1-9][0-9]*[KMG]B$/.test(value), 'a size such as "64KB" or "2MB"'))

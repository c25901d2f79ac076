/** `tsrun update`. */
import { type IntelRdt, parseInt64, parseJson, parseSize, type Resources } from '../../core.js'
import { readJsonText } from '../../native/binding.js'
import type { OptionSpec } from '../argv.js'
import { defineCommand } from '../command.js'
import type { OptionValues } from '../options.js'

/** 64-bit values are checked by `parseInt64` and `parseSize`, so they come as text. */
const limit = <const N extends string>(name: N, value: string, description: string) =>
  ({ name, kind: 'string', value, description }) as const

const options = [
  {
    name: 'resources',
    short: 'r',
    kind: 'string',
    value: 'FILE',
    description: 'read a document like linux.resources from this file, or with - from stdin; other flags are ignored',
  },
  { name: 'blkio-weight', kind: 'int', value: 'N', description: 'weight for block I/O, 10 to 1000' },
  limit('cpu-period', 'N', 'period of the CPU quota in microseconds'),
  limit('cpu-quota', 'N', 'CPU time per period in microseconds'),
  limit('cpu-burst', 'N', 'unused CPU time that may be saved up, in microseconds'),
  limit('cpu-share', 'N', 'relative weight for CPU time, 2 to 262144'),
  limit('cpu-rt-period', 'N', 'period of the real-time quota in microseconds (cgroup v1)'),
  limit('cpu-rt-runtime', 'N', 'real-time CPU time per period (cgroup v1)'),
  limit('cpuset-cpus', 'LIST', 'CPUs to use, such as 0-3,7'),
  limit('cpuset-mems', 'LIST', 'memory nodes to use'),
  limit('cpu-idle', 'N', '1: run only when nobody else wants the CPU'),
  limit('memory', 'BYTES', 'memory limit, such as 512m; -1 is unlimited'),
  limit('memory-reservation', 'BYTES', 'memory that is not reclaimed'),
  limit('memory-swap', 'BYTES', 'limit of memory and swap together'),
  limit('kernel-memory', 'BYTES', 'has no effect'),
  limit('kernel-memory-tcp', 'BYTES', 'limit of TCP buffers (cgroup v1)'),
  { name: 'pids-limit', kind: 'int', value: 'N', description: 'greatest number of tasks; -1 is unlimited' },
  limit('l3-cache-schema', 'SCHEMA', 'Intel RDT: L3 cache allocation'),
  limit('mem-bw-schema', 'SCHEMA', 'Intel RDT: memory bandwidth'),
] as const satisfies readonly OptionSpec[]

type Values = OptionValues<typeof options>

/** Changes the limits of a container. */
export const command = defineCommand({
  name: 'update',
  description: 'Changes the limits of a container that has not stopped. What is not given stays as it is.',
  options,
  arguments: ['<container-id>'],
  async run({ options: values, args: [id], context }) {
    const { resources } = values
    const runtime = context.runtime()
    const container = await runtime.get(id)
    if (resources) await container.update(readResources(resources))
    else await container.update(resourcesFrom(values), schemasFrom(values))
    return 0
  },
})

function readResources(path: string): Resources {
  // update checks the shape of whatever it is given.
  const name = path === '-' ? 'resources on standard input' : `resources in ${JSON.stringify(path)}`
  return parseJson(readJsonText(path === '-' ? '/dev/stdin' : path), name) as Resources
}

/** The limits that the flags name; an empty value is none. @throws UsageError */
function resourcesFrom(values: Values): Resources {
  const integer = (flag: string, text: string | undefined, signed: boolean): number | bigint | undefined =>
    text ? parseInt64(flag, text, { signed }) : undefined
  const bytes = (flag: string, text: string | undefined): number | undefined =>
    text ? parseSize(flag, text) : undefined
  return {
    ...group('blockIO', { weight: values.blkioWeight || undefined }),
    ...group('cpu', {
      shares: integer('cpu-share', values.cpuShare, false),
      quota: integer('cpu-quota', values.cpuQuota, true),
      period: integer('cpu-period', values.cpuPeriod, false),
      burst: integer('cpu-burst', values.cpuBurst, false),
      realtimePeriod: integer('cpu-rt-period', values.cpuRtPeriod, false),
      realtimeRuntime: integer('cpu-rt-runtime', values.cpuRtRuntime, true),
      idle: integer('cpu-idle', values.cpuIdle, true),
      cpus: values.cpusetCpus || undefined,
      mems: values.cpusetMems || undefined,
    }),
    ...group('memory', {
      limit: bytes('memory', values.memory),
      reservation: bytes('memory-reservation', values.memoryReservation),
      swap: bytes('memory-swap', values.memorySwap),
      kernel: bytes('kernel-memory', values.kernelMemory),
      kernelTCP: bytes('kernel-memory-tcp', values.kernelMemoryTcp),
    }),
    ...group('pids', { limit: values.pidsLimit }),
  }
}

/** What the flags say of Intel RDT; an empty value is none. */
const schemasFrom = ({ l3CacheSchema, memBwSchema }: Values): Pick<IntelRdt, 'l3CacheSchema' | 'memBwSchema'> => ({
  ...(l3CacheSchema ? { l3CacheSchema } : {}),
  ...(memBwSchema ? { memBwSchema } : {}),
})

/** A member with those of its limits that are given; nothing when there are none. */
function group(name: keyof Resources, limits: Readonly<Record<string, unknown>>): Resources {
  const given = Object.entries(limits).filter(([, value]) => value !== undefined)
  return given.length === 0 ? {} : { [name]: Object.fromEntries(given) }
}

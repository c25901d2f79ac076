/** `tsrun update`. */
import { type Int64, type IntelRdt, parseInt64, parseJson, parseSize, type Resources } from '../../core.js'
import { readJsonText } from '../../native/binding.js'
import { type OptionSpec, unlessEmpty } from '../argv.js'
import { defineCommand } from '../command.js'

/** Integers of 64 bits, which a number of JavaScript does not hold; an empty value is none. */
const signed = (text: string, { name }: OptionSpec): Int64 | undefined =>
  text === '' ? undefined : parseInt64(name, text, { signed: true })
const unsigned = (text: string, { name }: OptionSpec): Int64 | undefined =>
  text === '' ? undefined : parseInt64(name, text, { signed: false })
const bytes = (text: string, { name }: OptionSpec): number | undefined =>
  text === '' ? undefined : parseSize(name, text)

/** A limit, by its place in linux.resources, or in linux.intelRdt. */
function limit<const N extends string, const M extends string, T>(
  name: N,
  member: M,
  read: (text: string, option: OptionSpec) => T,
  [value, description]: readonly [value: string, description: string],
) {
  return { name, member, kind: 'string', read, value, description } as const
}

const options = [
  {
    name: 'resources',
    short: 'r',
    kind: 'string',
    value: 'FILE',
    read: unlessEmpty,
    description: 'read a document like linux.resources from this file, or with - from stdin; other flags are ignored',
  },
  {
    name: 'blkio-weight',
    kind: 'int',
    value: 'N',
    member: 'blockIO.weight',
    read: (text) => Number(text) || undefined,
    description: 'weight for block I/O, 10 to 1000',
  },
  limit('cpu-period', 'cpu.period', unsigned, ['N', 'period of the CPU quota in microseconds']),
  limit('cpu-quota', 'cpu.quota', signed, ['N', 'CPU time per period in microseconds']),
  limit('cpu-burst', 'cpu.burst', unsigned, ['N', 'unused CPU time that may be saved up, in microseconds']),
  limit('cpu-share', 'cpu.shares', unsigned, ['N', 'relative weight for CPU time, 2 to 262144']),
  limit('cpu-rt-period', 'cpu.realtimePeriod', unsigned, [
    'N',
    'period of the real-time quota in microseconds (cgroup v1)',
  ]),
  limit('cpu-rt-runtime', 'cpu.realtimeRuntime', signed, ['N', 'real-time CPU time per period (cgroup v1)']),
  limit('cpuset-cpus', 'cpu.cpus', unlessEmpty, ['LIST', 'CPUs to use, such as 0-3,7']),
  limit('cpuset-mems', 'cpu.mems', unlessEmpty, ['LIST', 'memory nodes to use']),
  limit('cpu-idle', 'cpu.idle', signed, ['N', '1: run only when nobody else wants the CPU']),
  limit('memory', 'memory.limit', bytes, ['BYTES', 'memory limit, such as 512m; -1 is unlimited']),
  limit('memory-reservation', 'memory.reservation', bytes, ['BYTES', 'memory that is not reclaimed']),
  limit('memory-swap', 'memory.swap', bytes, ['BYTES', 'limit of memory and swap together']),
  limit('kernel-memory', 'memory.kernel', bytes, ['BYTES', 'has no effect']),
  limit('kernel-memory-tcp', 'memory.kernelTCP', bytes, ['BYTES', 'limit of TCP buffers (cgroup v1)']),
  {
    name: 'pids-limit',
    kind: 'int',
    value: 'N',
    member: 'pids.limit',
    description: 'greatest number of tasks; -1 is unlimited',
  },
  limit('l3-cache-schema', 'intelRdt.l3CacheSchema', unlessEmpty, ['SCHEMA', 'Intel RDT: L3 cache allocation']),
  limit('mem-bw-schema', 'intelRdt.memBwSchema', unlessEmpty, ['SCHEMA', 'Intel RDT: memory bandwidth']),
] as const satisfies readonly OptionSpec[]

/** Changes the limits of a container. */
export const command = defineCommand({
  name: 'update',
  description: 'Changes the limits of a container that has not stopped. What is not given stays as it is.',
  options,
  arguments: ['<container-id>'],
  async run({ options: { resources: file, ...limits }, args: [id], context }) {
    const container = await context.runtime().get(id)
    const { intelRdt, ...resources } = nest(limits)
    if (file === undefined) await container.update(resources, intelRdt)
    else await container.update(readResources(file))
    return 0
  },
})

function readResources(path: string): Resources {
  // update checks the shape of whatever it is given.
  const name = path === '-' ? 'resources on standard input' : `resources in ${JSON.stringify(path)}`
  return parseJson(readJsonText(path === '-' ? '/dev/stdin' : path), name) as Resources
}

/** `memory.limit` becomes the member `limit` of the member `memory`. */
function nest(limits: Readonly<Record<string, unknown>>): Resources & { readonly intelRdt?: IntelRdt } {
  const nested: Record<string, Record<string, unknown>> = {}
  for (const [path, value] of Object.entries(limits)) {
    const [group = '', name = ''] = path.split('.')
    if (value !== undefined) (nested[group] ??= {})[name] = value
  }
  return nested
}

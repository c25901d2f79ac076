/** Command line: what the flags of `docker run` say of a container of an image. */
import { type NamespaceType, parseSize, type Process, type Resources, rlimitNumber, UsageError } from '../core.js'
import type { Overrides } from '../image/convert.js'
import { readFile } from '../native/binding.js'
import type { overrideOptions } from './bundle-options.js'
import { absolute, bindMount, hostFiles, mountOf, tmpfsMount } from './mount-flags.js'
import type { OptionValues } from './options.js'
import { securityOf } from './security-flags.js'

type Values = OptionValues<typeof overrideOptions>

/** Microseconds in which CPU time is counted (config-linux.md "CPU"). */
const period = 100_000
/** RLIM_INFINITY of setrlimit(2). */
const unlimited = 0xffff_ffff_ffff_ffffn

/** What the flags say; `args` are those of the program. @throws UsageError, SyscallError */
export function overridesOf(values: Values, args: readonly string[]): Overrides {
  const { user, workdir, hostname, domainname, entrypoint, shmSize, oomScoreAdj, ulimit, sysctl } = values
  const env = [...values.envFile.flatMap(readEnvFile), ...values.env].flatMap(variable)
  const shared = sharedNamespaces(values)
  const mounts = [...values.volume.map(bindMount), ...values.mount.map(mountOf), ...values.tmpfs.map(tmpfsMount)]
  return {
    ...(args.length === 0 ? {} : { args }),
    ...(entrypoint === undefined ? {} : { entrypoint: entrypoint === '' ? [] : [entrypoint] }),
    ...(user === undefined ? {} : { user }),
    ...(workdir === undefined ? {} : { workdir: absolute('--workdir', workdir) }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(domainname === undefined ? {} : { domainname }),
    ...(shmSize === undefined ? {} : { shmSize: parseSize('--shm-size', shmSize) }),
    ...(oomScoreAdj === undefined ? {} : { oomScoreAdj }),
    ...(values.cgroupns === 'private' ? { cgroupNamespace: true } : {}),
    ...{ env, shared, groups: values.groupAdd, readOnly: values.readOnly, tty: values.tty },
    mounts: shared.includes('network') ? [...hostFiles(mounts), ...mounts] : mounts,
    capAdd: values.capAdd.map(capability),
    capDrop: values.capDrop.map(capability),
    ...securityOf(values.securityOpt),
    rlimits: ulimit.map(rlimit),
    ...(sysctl.length === 0 ? {} : { sysctl: Object.fromEntries(sysctl.map((text) => pair('--sysctl', text))) }),
    resources: resourcesOf(values),
    annotations: Object.fromEntries([
      ...values.label.map((text) => (text.includes('=') ? pair('--label', text) : [text, ''])),
      ...values.annotation.map((text) => pair('--annotation', text)),
    ]) as Record<string, string>,
  }
}

/** By the flags whose value is `host`. @throws UsageError for a value that is none of theirs */
function sharedNamespaces(values: Values): NamespaceType[] {
  const flags = [
    ['network', 'network', values.network, 'none'],
    ['pid', 'pid', values.pid, 'private'],
    ['ipc', 'ipc', values.ipc, 'private'],
    ['uts', 'uts', values.uts, 'private'],
    ['cgroupns', 'cgroup', values.cgroupns, 'private'],
  ] as const
  return flags.flatMap(([flag, type, value, own]) => {
    if (value === undefined || value === own) return []
    if (value === 'host') return [type]
    throw new UsageError(`invalid value for --${flag}: ${JSON.stringify(value)}: ${own} or host`)
  })
}

function pair(flag: string, text: string): [string, string] {
  const equals = text.indexOf('=')
  if (equals < 1) throw new UsageError(`invalid value for ${flag}: ${JSON.stringify(text)}: NAME=VALUE`)
  return [text.slice(0, equals), text.slice(equals + 1)]
}

/** A name without a value is taken over, and left out where the caller has none. */
function variable(text: string): string[] {
  if (text.startsWith('=') || text === '') throw new UsageError(`invalid value for --env: ${JSON.stringify(text)}`)
  if (text.includes('=')) return [text]
  const value = process.env[text]
  return value === undefined ? [] : [`${text}=${value}`]
}

const readEnvFile = (path: string): string[] =>
  readFile(path)
    .split('\n')
    .map((line) => line.replace(/\r$/, '').trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'))

function capability(text: string): string {
  const name = text.toUpperCase()
  return name === 'ALL' || name.startsWith('CAP_') ? name : `CAP_${name}`
}

/** `nofile=1024:2048`, or one value for both; -1 is unlimited. */
function rlimit(text: string): NonNullable<Process['rlimits']>[number] {
  const [, name = '', soft = '', hard = soft] = /^(\w+)=(-1|\d{1,19})(?::(-1|\d{1,19}))?$/.exec(text) ?? []
  const type = Object.keys(rlimitNumber).find((one) => one === `RLIMIT_${name.toUpperCase()}`)
  if (type === undefined)
    throw new UsageError(`invalid value for --ulimit: ${JSON.stringify(text)}: NAME=SOFT[:HARD], such as nofile=1024`)
  const [low, high] = [soft, hard].map((one) => (one === '-1' ? unlimited : BigInt(one))) as [bigint, bigint]
  return { type: type as keyof typeof rlimitNumber, soft: low, hard: high }
}

function resourcesOf(values: Values): Resources {
  const bytes = (flag: string, text: string | undefined): number | undefined =>
    text === undefined ? undefined : parseSize(flag, text)
  const { cpus, cpuShares, cpusetCpus, cpusetMems, pidsLimit } = values
  const limit = bytes('--memory', values.memory)
  const swap = bytes('--memory-swap', values.memorySwap) ?? limit
  const reservation = bytes('--memory-reservation', values.memoryReservation)
  const count = cpus === undefined ? undefined : /^\d*\.?\d+$/.test(cpus) ? Number(cpus) : NaN
  if (count !== undefined && !(count >= 0.01 && count <= 8192))
    throw new UsageError(`invalid value for --cpus: ${JSON.stringify(cpus)}: a number of 0.01 or more`)
  const cpu = given({
    ...(count === undefined ? {} : { quota: Math.max(1000, Math.round(count * period)), period }),
    ...{ shares: cpuShares, cpus: cpusetCpus, mems: cpusetMems },
  })
  return given({
    memory: given({ limit, swap, reservation }),
    cpu,
    pids: pidsLimit === undefined ? undefined : { limit: pidsLimit },
  }) as Resources
}

/** What there is of it; undefined where that is nothing. */
function given<T extends object>(members: T): T | undefined {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined)
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as T)
}

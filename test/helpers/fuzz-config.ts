/** Test helper: random config.json through load and plan, where nothing but tsrun's own errors may come out. */
import { loadConfig } from '#dist/config/load.js'
import { documentShape } from '#dist/config/schema/index.js'
import { stringifyConfig } from '#dist/config/stringify.js'
import { isTsrunError } from '#dist/errors.js'
import { compilePlan } from '#dist/plan/compile.js'
import { encodePlan } from '#dist/plan/encode.js'
import { everything } from '#dist/plan/identity.js'
import type { HostFacts } from '#dist/plan/types.js'
import { randomFrom, valueOf } from './fuzz.js'

const host: HostFacts = {
  euid: 0,
  egid: 0,
  inUserNamespace: false,
  cgroup: {
    mode: 'hybrid',
    unified: '/sys/fs/cgroup/unified',
    v1: { memory: '/sys/fs/cgroup/memory', devices: '/sys/fs/cgroup/devices' },
    own: { '': '/', memory: '/', devices: '/' },
  },
  procOfOthers: true,
  apparmor: true,
  selinux: true,
  highestCapability: 40,
  grantableCapabilities: everything,
}

/** What has become of the documents. */
export interface Fuzzed {
  readonly refused: number
  /** Loaded, and refused by a planner. */
  readonly unplanned: number
  readonly planned: number
  /** Errors that are not tsrun's, with the seed. */
  readonly wrong: readonly string[]
}

/** Tries the documents of so many seeds. */
export async function fuzzConfig(firstSeed: number, count: number): Promise<Fuzzed> {
  const counts = { refused: 0, unplanned: 0, planned: 0 }
  const wrong: string[] = []
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    let reached: keyof typeof counts = 'refused'
    try {
      await one(seed, () => (reached = 'unplanned'))
      reached = 'planned'
    } catch (error) {
      if (!isTsrunError(error)) wrong.push(`seed ${seed}: ${(error as Error).stack ?? String(error)}`)
    }
    counts[reached]++
  }
  return { ...counts, wrong }
}

/** Every second document has no part that is wrong by its shape, and a process and namespaces that planners get to see. */
async function one(seed: number, onLoaded: () => void): Promise<void> {
  const random = randomFrom(seed)
  const wrong = seed % 2 === 0 ? 60 : 2 ** 31
  const value = valueOf(documentShape(), random, wrong) as Record<string, unknown>
  if (seed % 2 === 1) {
    const types = ['mount', 'pid', 'uts', 'ipc', 'network', 'cgroup']
    const namespaces = types.filter(() => random(4) > 0).map((type) => ({ type }))
    const linux = random(2) === 0 ? {} : (value.linux as object | undefined)
    Object.assign(value, { root: { path: 'rootfs' }, linux: { ...linux, namespaces } })
    if (random(2) === 0) value.process = { cwd: '/', args: ['sh'] }
    if (random(2) === 0) delete value.mounts
    if (random(2) === 0) delete value.hooks
  }
  const config = await loadConfig(JSON.stringify(value))
  onLoaded()
  await loadConfig(stringifyConfig(config))
  const plan = compilePlan({
    ...{ id: 'fuzz', config, bundle: '/bundle', rootfs: '/bundle/rootfs', facts: host },
    options: { noPivot: false, noNewKeyring: false, preserveFds: random(3), waitForStart: true },
    compileSeccomp: () => new Uint8Array(16),
  })
  encodePlan(plan)
}

/** Stage 2, plan: a process that helps the runtime and is in no container. */
import { noResources } from './resources/types.js'
import { planVersion, type Step } from './steps.js'
import type { LaunchPlan } from './types.js'

/** A plan of nothing but steps: without namespaces, cgroups and limits of its own. */
export const helperPlan = (steps: readonly Step[]): LaunchPlan => ({
  version: planVersion,
  cloneFlags: 0,
  cgroup: { v1: {} },
  resources: noResources,
  deviceRules: [],
  netDevices: [],
  sources: [],
  waits: [],
  preserveFds: 0,
  terminal: false,
  warnings: [],
  steps,
})

/**
 * What the command line is made of, beside files, streams and terminals: exports, nothing else. A program that embeds tsrun
 * gets the same things on an event loop, from `index.ts`.
 */
export { seccompOfDocker } from './config/docker-seccomp.js'
export { parseDuration } from './config/duration.js'
export { exampleConfig } from './config/example.js'
export { parseJson } from './config/json.js'
export { parseConfig } from './config/load.js'
export { cleanPath } from './config/paths.js'
export { parseSignal, signalNames } from './config/signals.js'
export { parseInt64, parseSize } from './config/sizes.js'
export { stringifyConfig } from './config/stringify.js'
export { nearest } from './config/suggest.js'
export type { Config, Int64, IntelRdt, Mount, NamespaceType, Process, Resources } from './config/types.js'
export { rlimitNumber } from './config/vocabulary/process.js'
export {
  ImageError,
  isTsrunError,
  messageChain,
  NotFoundError,
  StoreError,
  UnsupportedError,
  UsageError,
} from './errors.js'
export { features } from './features.js'
export { isInUserNamespace, probeHost } from './host/facts.js'
export type { ContainerEvent } from './launch/events.js'
export type { ExecOptions } from './launch/exec-options.js'
export type { CreateOptions } from './launch/prepare.js'
export type { ProcessChanges } from './plan/exec-process.js'
export { stateVersion } from './plan/oci-state.js'
export { planToJson, printPlan } from './plan/print.js'
export { parseSubordinateIds } from './plan/subordinate-ids.js'
export { CoreRuntime, defaultRoot, type RuntimeOptions } from './runtime.js'
export type { ContainerState } from './state/record.js'
export type { Gauge, Gauges, Reading } from './stats/gauges.js'
export { packageVersion } from './version.js'

/** The public API of tsrun: exports, nothing else. */
export type { Config, Resources } from './config/types.js'
export { Container, type ContainerExit } from './container.js'
export {
  ConfigError,
  ExistsError,
  HookError,
  isTsrunError,
  messageChain,
  NotFoundError,
  ProtocolError,
  StatusError,
  StoreError,
  SyscallError,
  SystemdError,
  TsrunError,
  UnsupportedError,
  UsageError,
  type ConfigIssue,
  type ErrorCode,
} from './errors.js'
export { ExecHandle } from './exec-handle.js'
export type { ExecOptions, ExecSettings } from './launch/exec-options.js'
export type { StartOptions } from './launch/start.js'
export type { ContainerEvent, EventOptions } from './launch/events.js'
export type { CreateOptions } from './launch/prepare.js'
export type { ProcessChanges } from './plan/exec-process.js'
export type { LaunchPlan } from './plan/types.js'
export { defaultRoot, Runtime, type ContainerList, type RunOptions, type RuntimeOptions } from './runtime.js'
export type { ContainerState } from './state/record.js'
export type { Status } from './state/status.js'
export type {
  BlkioEntry,
  BlkioStats,
  ContainerStats,
  Count,
  CpusetStats,
  CpuStats,
  MemoryEntry,
  MemoryStats,
  Pressure,
  PressureLine,
} from './stats/types.js'

/** The public API of tsrun: exports, nothing else. */
export type * from './config/types.js'
export type { Status } from './state/status.js'
export {
  ConfigError,
  CriuError,
  ExistsError,
  HookError,
  ImageError,
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
  type AnyTsrunError,
  type ConfigIssue,
  type ErrorCode,
  type SyscallFailure,
} from './errors.js'
export type { MountIdMap } from './config/id-map.js'
export type { Digest } from './image/digest.js'
export type { ListedImage } from './image/list.js'
export type { ImageConfig, Manifest } from './image/documents.js'
export type { Features, SeccompFeatures, Switch } from './features.js'
export type { ProcessExit } from './library/children.js'
export { Container } from './library/container.js'
export type {
  ContainerExit,
  DeleteOptions,
  EventOptions,
  ExecHandleOptions,
  ExecOptions,
  PressureOptions,
} from './library/container-options.js'
export { defaultConfig, type SandboxConfig, type SandboxLimits, type Size } from './library/default-config.js'
export { ExecHandle, type ExecExit, type ExecOutput } from './library/exec-handle.js'
export type { LifeOptions } from './library/life.js'
export type { Signal } from './library/options.js'
export type { OutputOptions } from './library/output.js'
export { images, type FetchOptions, type ImageDetails, type ImageOptions, type StoredImage } from './library/images.js'
export {
  run,
  type ImageSandboxOptions,
  type RunExit,
  type RunLimits,
  type RunResult,
  type SandboxOptions,
} from './library/run.js'
export { Runtime, type CreateOptions, type PlanOptions, type RestoreOptions } from './library/runtime.js'
export type { Pipes, Stdio, StdioEntry, StdioFile } from './library/stdio.js'
export type { LevelEvent, MemoryLevel, PressureEvent, PressureThreshold, StallEvent } from './library/pressure.js'
export type { SyscallAnswer, SyscallCall, SyscallHandler, SyscallHandlers } from './library/supervisor.js'
export { Terminal, type TerminalSize } from './library/streams.js'
export type { CheckpointOptions } from './launch/checkpoint.js'
export type { ContainerEvent } from './launch/events.js'
export type { StartOptions } from './launch/start.js'
export type { ProcessChanges } from './plan/exec-process.js'
export type { RdtSchemas } from './plan/intel-rdt.js'
export type { IntelRdtPlan } from './plan/intel-rdt.js'
export type { DeviceRulePlan } from './plan/resources/devices.js'
export type { PlanEvent, Step, StepName } from './plan/steps.js'
export type { Controller, Limit, LimitId, ResourcePlan } from './plan/resources/types.js'
export type { CgroupManager, CgroupPlan, IdMapping, LaunchPlan, NetDevicePlan, SourcePlan } from './plan/types.js'
export { defaultRoot, type ContainerList, type RunOptions, type RuntimeOptions } from './runtime.js'
export type { ContainerState } from './state/record.js'
export type * from './stats/types.js'
export type { Usage } from './stats/usage.js'

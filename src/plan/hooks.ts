/** Stage 2, plan: the hooks that init itself runs, and what it tells them about the container. */
import { readAnnotations } from '../config/annotations.js'
import type { Config, Hook } from '../config/types.js'
import { stateAroundPid } from './oci-state.js'
import type { Step } from './steps.js'
import type { PlanInput } from './types.js'

/**
 * Hooks before pivot_root, of which nobody in a joined pid namespace sees anything (`outside`): paths of the runtime namespace, the rootfs as directory, and unless they have one of
 * their own an empty environment: that of the image would decide what is loaded into programs of the host
 * (CVE-2025-23266).
 */
export function planCreateContainerHooks(input: PlanInput, outside = false): Step[] {
  const hooks = input.config.hooks?.createContainer ?? []
  if (hooks.length === 0) return []
  const setting = { kind: 'createContainer', status: 'creating', cwd: input.rootfs, programEnv: false, outside }
  // Init makes devices without a umask; what a hook makes must not be writable for everybody.
  const umask: Step = { op: 'umask', mode: 0o022 }
  return [umask, ...hooks.map((hook, index) => hookStep(input, hook, index, setting))]
}

/** Hooks right before the container's program: paths of the container, the program's environment (as runc). */
export function planStartContainerHooks(input: PlanInput): Step[] {
  const hooks = input.config.hooks?.startContainer ?? []
  const setting = {
    kind: 'startContainer',
    status: 'created',
    cwd: input.config.process.cwd,
    programEnv: true,
    outside: false,
  }
  return hooks.map((hook, index) => hookStep(input, hook, index, setting))
}

/** Init has no descriptors of the host to write to: annotations send the output of the other hooks only. */
export function hookWarnings({ hooks, annotations }: Pick<Config, 'hooks' | 'annotations'>): string[] {
  const { stdout, stderr } = readAnnotations(annotations).hookOutput
  if ((stdout ?? stderr) === undefined) return []
  return (['createContainer', 'startContainer'] as const)
    .filter((kind) => hooks?.[kind]?.length)
    .map((kind) => `annotations run.oci.hooks have no effect on the output of ${kind} hooks`)
}

interface HookSetting {
  readonly kind: string
  readonly status: string
  readonly cwd: string
  /** Hooks without an environment of their own get the program's. */
  readonly programEnv: boolean
  readonly outside: boolean
}

function hookStep(input: PlanInput, hook: Hook, index: number, setting: HookSetting): Step {
  const { id, bundle, config } = input
  const [statePrefix, stateSuffix] = stateAroundPid({ id, bundle, annotations: config.annotations }, setting.status)
  return {
    op: 'hook',
    kind: setting.kind,
    index,
    path: hook.path,
    args: hook.args !== undefined && hook.args.length > 0 ? hook.args : [hook.path],
    env: hook.env ?? [],
    programEnv: setting.programEnv && hook.env === undefined,
    cwd: setting.cwd,
    outside: setting.outside,
    timeout: hook.timeout ?? 0,
    statePrefix,
    stateSuffix,
  }
}

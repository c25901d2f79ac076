/** Stage 4, launch: what `exec` is asked for. */
import type { Config, Process } from '../config/types.js'
import { changedProcess, changesAmong, completedProcess, type ProcessChanges } from '../plan/exec-process.js'
import type { ContainerId, Store } from '../state/store.js'

/** What `exec` takes beside the process itself. */
export interface ExecSettings {
  /** Unix socket that receives the terminal's ptmx; required for a terminal that is not in the foreground. */
  readonly consoleSocket?: string
  /** Unix socket that receives a pidfd of the process. */
  readonly pidfdSocket?: string
  /** File that receives the process's pid; written once the program runs. */
  readonly pidFile?: string
  /** Descriptors 3 … 2 + preserveFds of this process are passed on. */
  readonly preserveFds?: number
  /** Descriptors that become standard input, output and error; default 0, 1, 2. */
  readonly stdio?: readonly [number, number, number]
  /** Cgroups below the container's: `PATH`, or `controller[,controller]:PATH` for cgroup v1. */
  readonly cgroup?: readonly string[]
  /** Add the process to a paused container too; it begins when the container is resumed. */
  readonly ignorePaused?: boolean
}

/** What `exec` takes: a whole process (config.md "Process"), or changes to the config's own. */
export type ExecOptions = ExecSettings & ({ readonly process: Process } | ProcessChanges)

/** The config as it was at create, when it was checked. @throws SyscallError */
export async function savedConfig(store: Store, id: ContainerId): Promise<Config> {
  const { readDocumentText } = await import('../config/document.js')
  return (await readDocumentText(store.loadConfig(id))) as Config
}

/** The process that is asked for, complete. @throws ConfigError, UsageError */
export async function wantedProcess(config: Config, options: ExecOptions): Promise<Process> {
  const { checkProcess } = await import('../config/process.js')
  if ('process' in options) return completedProcess(await checkProcess(options.process), config)
  return checkProcess(changedProcess(config.process, changesAmong(options)))
}

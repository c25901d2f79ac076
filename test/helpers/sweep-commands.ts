/** Test helper: the commands and the containers that faults are tried with (sweep.ts). */
import type { Bundle } from './bundle.js'
import { groupOf, readGroup } from './cgroups.js'
import type { Change } from './config.js'
import type { Faulted } from './fault.js'
import { both } from './id-maps.js'
import { awaitProcess } from './peer.js'

const accept4 = 288

/** A container of a sweep, by the commands of the runtime. */
export interface Target {
  readonly id: string
  readonly bundle: Bundle
  /** Where its terminals are sent to; undefined where there is none. */
  readonly console: string | undefined
  run(...args: string[]): { status: number | null; stdout: string; stderr: string }
  status(): string
}

/** A command: the state that it begins in, its arguments, and what must be true after it. */
export interface Command {
  readonly before?: 'created' | 'running' | 'paused'
  args(target: Target): string[]
  /** What is wrong although it succeeded, or failed; undefined: nothing. */
  afterSuccess(target: Target, result: Faulted): string | undefined
  afterFailure?(target: Target, result: Faulted): string | undefined
}

const statusIs =
  (...wanted: string[]) =>
  (target: Target): string | undefined => {
    const status = target.status()
    return wanted.includes(status) ? undefined : `the container is ${status}`
  }

const isGone = (target: Target): string | undefined =>
  target.status() === 'absent' ? undefined : 'the container is still there'

/** Where terminals go. */
export const consoleOf = (console: string | undefined): string[] =>
  console === undefined ? [] : ['--console-socket', console]

function pidsLimit(target: Target): string {
  const { pid } = JSON.parse(target.run('state', target.id).stdout) as { pid: number }
  return readGroup(groupOf(pid, 'pids'), 'pids.max')
}

/** The commands that change or read one container. */
export const commands = {
  create: {
    args: ({ id, bundle, console }) => ['create', ...consoleOf(console), '--bundle', bundle.path, id],
    // When the wait for `start` itself fails, create has ended and init ends after it.
    afterSuccess: (target, { report }) =>
      statusIs('created', ...(report.number === accept4 ? ['stopped'] : []))(target),
    afterFailure: isGone,
  },
  'run --detach': {
    args: ({ id, bundle, console }) => ['run', '--detach', ...consoleOf(console), '--bundle', bundle.path, id],
    afterSuccess: statusIs('running'),
    afterFailure: isGone,
  },
  start: {
    before: 'created',
    args: ({ id }) => ['start', id],
    afterSuccess: statusIs('running'),
  },
  state: {
    before: 'running',
    args: ({ id }) => ['state', id],
    afterSuccess: (_, { stdout }) => (/"status": ?"running"/.test(stdout) ? undefined : `state says ${stdout}`),
    afterFailure: statusIs('running'),
  },
  list: {
    before: 'running',
    args: () => ['list'],
    // A container that cannot be looked at is named on standard error.
    afterSuccess: ({ id }, { stdout, stderr }) =>
      new RegExp(`${id} .*running`).test(stdout) || stderr.includes(id) ? undefined : `list says ${stdout}`,
    afterFailure: statusIs('running'),
  },
  exec: {
    before: 'running',
    args: ({ id, console }) => [
      ...['exec', ...(console === undefined ? [] : ['--tty', '--detach', ...consoleOf(console)])],
      ...[id, '/bin/echo', 'done'],
    ],
    afterSuccess: ({ console }, { stdout }) =>
      stdout === (console === undefined ? 'done\n' : '') ? undefined : `exec says ${stdout}`,
    afterFailure: statusIs('running'),
  },
  ps: {
    before: 'running',
    args: ({ id }) => ['ps', '--format', 'json', id],
    afterSuccess: (_, { stdout }) => (/^\[\d+\]\n$/.test(stdout) ? undefined : `ps says ${stdout}`),
    afterFailure: statusIs('running'),
  },
  'events --stats': {
    before: 'running',
    args: ({ id }) => ['events', '--stats', id],
    afterSuccess: (_, { stdout }) => (/"type": ?"stats"/.test(stdout) ? undefined : `events says ${stdout}`),
    afterFailure: statusIs('running'),
  },
  update: {
    before: 'running',
    args: ({ id }) => ['update', '--pids-limit', '50', id],
    afterSuccess: (target) => (pidsLimit(target) === '50' ? undefined : `the limit is ${pidsLimit(target)}`),
    afterFailure: (target) => (pidsLimit(target) === '50' ? 'the limit is changed' : statusIs('running')(target)),
  },
  kill: {
    before: 'running',
    args: ({ id }) => ['kill', id, 'KILL'],
    // The signal is sent; that the process has ended is not waited for.
    afterSuccess: (target) => {
      const { stdout } = target.run('state', target.id)
      const { pid } = JSON.parse(stdout) as { pid: number }
      if (pid !== 0) awaitProcess(pid)
      return statusIs('stopped')(target)
    },
  },
  pause: {
    before: 'running',
    args: ({ id }) => ['pause', id],
    afterSuccess: statusIs('paused'),
    afterFailure: statusIs('running'),
  },
  resume: {
    before: 'paused',
    args: ({ id }) => ['resume', id],
    afterSuccess: statusIs('running'),
  },
  'delete --force': {
    before: 'running',
    args: ({ id }) => ['delete', '--force', id],
    afterSuccess: isGone,
  },
} as const satisfies Record<string, Command>

const program: Change = (config) => {
  config.process.args = ['/bin/sleep', '1000']
}

/** What a container needs of the runtime. */
export interface Configuration {
  readonly change: Change
  /** Flags before the command. */
  readonly globals?: readonly string[]
  /** It has a terminal, and so has what is added to it. */
  readonly terminal?: true
}

/** Those that are for every host. */
export const configurations = {
  plain: { change: program },
  rich: {
    change(config) {
      program(config)
      config.linux.resources = { pids: { limit: 100 } }
      config.linux.maskedPaths = ['/proc/kcore']
      config.linux.readonlyPaths = ['/proc/sys']
      config.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['swapon'], action: 'SCMP_ACT_ERRNO' }],
      }
      const hook = { path: '/bin/true' }
      config.hooks = { createRuntime: [hook], poststart: [hook], poststop: [hook] }
    },
  },
  'user namespace': {
    change(config) {
      program(config)
      config.linux.namespaces.push({ type: 'user' }, { type: 'network' })
      Object.assign(config.linux, both([0, 100_000, 65_536]))
    },
  },
  terminal: {
    change(config) {
      program(config)
      config.process.terminal = true
    },
    terminal: true,
  },
} as const satisfies Record<string, Configuration>

/** The one for hosts whose process 1 is systemd. */
export const systemd: Configuration = { change: program, globals: ['--systemd-cgroup'] }

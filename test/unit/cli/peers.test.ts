/** The command line of runc 1.5 is understood as it is; of youki what it alone has is left out by intent. */
import t from 'tap'
import { normaliseArguments, type OptionSpec } from '#dist/cli/argv.js'
import { loadCommand } from '#dist/cli/program.js'
import { globalOptions } from '#dist/cli/options.js'

const created = 'bundle b console-socket pidfd-socket pid-file no-pivot no-new-keyring preserve-fds'

/** Flags of runc 1.5, hidden ones included. */
const runc: Readonly<Record<string, string>> = {
  create: created,
  run: `${created} detach d keep no-subreaper`,
  start: '',
  state: '',
  kill: 'all a',
  delete: 'force f',
  exec:
    'console-socket pidfd-socket cwd env e tty t user u additional-gids g process p detach d pid-file process-label ' +
    'apparmor no-new-privs cap c preserve-fds cgroup ignore-paused',
  list: 'format f quiet q',
  ps: 'format f',
  pause: '',
  resume: '',
  events: 'interval stats',
  update:
    'resources r blkio-weight cpu-period cpu-quota cpu-burst cpu-share cpu-rt-period cpu-rt-runtime cpuset-cpus ' +
    'cpuset-mems cpu-idle memory memory-reservation memory-swap pids-limit l3-cache-schema mem-bw-schema ' +
    'kernel-memory kernel-memory-tcp',
  spec: 'bundle b rootless',
  features: '',
}

/** The others' flags that tsrun has too: engines use them where they take the runtime for crun. */
const global = 'root log log-format debug systemd-cgroup rootless criu version v log-level cgroup-manager'

/** Flags of crun's commands. */
const crun: Readonly<Record<string, string>> = {
  create: 'config f no-subreaper',
  run: 'config f',
  kill: 'regex r',
  delete: 'regex r',
  spec: 'config f',
}

/**
 * What is not there, and why: -c and -p of youki (short forms that mean something else in exec), -s and
 * --systemd-log of youki.
 */
const absent: Readonly<Record<string, string>> = {
  create: 'c p',
  run: 'c p',
}

const isKnown = (name: string, table: readonly OptionSpec[]): boolean =>
  table.some((option) => option.name === name || option.short === name)

const names = (list: string): string[] => list.split(' ').filter(Boolean)

t.test('every flag of runc and crun is known, with one dash or two', async (t) => {
  for (const [command, flags] of [...Object.entries(runc), ...Object.entries(crun)]) {
    const { options } = await loadCommand(command)
    for (const name of names(flags)) {
      const option = options.find((one) => one.name === name || one.short === name)
      t.ok(option, `${command} ${name}`)
      const value = option?.kind === 'boolean' ? '' : '=1'
      for (const dashes of ['-', '--']) {
        const { given } = normaliseArguments([`${dashes}${name}${value}`], options, { stopAtPositional: true })
        t.same(
          given.map(([one]) => one),
          [option],
          `${command} ${dashes}${name}`,
        )
      }
    }
  }
  for (const name of names(global)) t.ok(isKnown(name, globalOptions), name)
})

t.test('a flag that is left out is refused by name, not ignored', async (t) => {
  for (const [command, flags] of Object.entries(absent)) {
    const { options } = await loadCommand(command)
    for (const name of names(flags)) {
      const parse = () => normaliseArguments([`--${name}=1`], options, { stopAtPositional: true })
      t.throws(parse, { message: `flag provided but not defined: -${name}` }, `${command} ${name}`)
    }
  }
})

/** Test helper: a systemd of an ordinary user, with its D-Bus, as a login session has them. */
import { spawnSync } from 'node:child_process'
import { chownSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Scope } from './scope.js'
import { User, type UserOptions } from './user.js'

/** Units of the user: a bus that systemd starts, and a service that says when both are there. */
const units = (ready: string): Record<string, string> => ({
  'dbus.socket': '[Socket]\nListenStream=%t/bus\n',
  'dbus.service': `[Unit]
Requires=dbus.socket
[Service]
Type=notify
ExecStart=/usr/bin/dbus-daemon --session --address=systemd: --nofork --nopidfile --systemd-activation
`,
  'ready.service': `[Unit]
Requires=dbus.service
After=dbus.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c "echo ready > ${ready}"
`,
})

/** A systemd that runs as an ordinary user. */
export interface UserManager {
  /** Directory of its cgroup; its units are in those below. */
  readonly cgroup: string
  /** What its processes know of it. */
  readonly environment: Readonly<Record<string, string>>
  /** A user who is logged in: the bus is known, the shell is outside of the cgroups of systemd. */
  user(options?: UserOptions): User
}

/** Starts a systemd for the user, in a service of the system. @throws when that fails */
export function startUserManager(scope: Scope): UserManager {
  const { id, name } = new User(scope)
  const [home, runtime, ready, passwd] = ['home', 'user-runtime', 'ready', 'passwd'].map((one) => scope.path(one)) as [
    ...[string, string, string, string],
  ]
  const folder = join(home, '.config/systemd/user')
  mkdirSync(join(folder, 'default.target.wants'), { recursive: true })
  mkdirSync(runtime, { mode: 0o700 })
  for (const [unit, text] of Object.entries(units(ready))) writeFileSync(join(folder, unit), text)
  symlinkSync('../ready.service', join(folder, 'default.target.wants/ready.service'))
  writeFileSync(passwd, `${readFileSync('/etc/passwd', 'utf8')}${name}:x:${id}:${id}::${home}:/bin/sh\n`)
  must('mkfifo', '-m', '666', ready)
  must('chown', '-R', `${id}:${id}`, home)
  chownSync(runtime, id, id)

  // systemd looks up the user of the service where it is itself.
  must('mount', '--bind', passwd, '/etc/passwd')
  scope.defer(() => must('umount', '/etc/passwd'))
  const service = `${scope.word}.service`
  const environment = { XDG_RUNTIME_DIR: runtime, HOME: home }
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  must(
    'systemd-run',
    ...[`--unit=${service}`, '--collect', `--uid=${id}`, '--property=Delegate=yes'],
    ...[
      `--property=ExecStopPost=/bin/sh -c '[ $SERVICE_RESULT = success ] || echo > ${ready}'`,
      ...variables.map((one) => `--setenv=${one}`),
    ],
    ...['/usr/lib/systemd/systemd', '--user'],
  )
  scope.defer(() => must('systemctl', 'stop', service))
  if (!must('cat', ready).startsWith('ready')) throw new Error(must('journalctl', '--no-pager', '-u', service))
  return {
    cgroup: `/sys/fs/cgroup/system.slice/${service}`,
    environment,
    user(options = {}) {
      const prepare = variables.map((one) => `export ${one}`)
      return new User(scope, { ...options, prepare: [...prepare, ...(options.prepare ?? [])] })
    },
  }
}

function must(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`)
  return stdout
}

/** What `tsrun doctor` says to mend a fault mends it: the fault is made in namespaces of its own, the command typed as it is printed. */
import type { Test } from 'tap'
import type { Scope } from '../helpers/scope.js'
import { testWith } from '../helpers/test.js'
import { User, userId } from '../helpers/user.js'

const test = testWith('tsrun', 'static')

interface Check {
  readonly name: string
  readonly state: string
  readonly mend?: string
}

const checkIn = (json: string, name: string): Check | undefined =>
  (JSON.parse(json) as { sections: { checks: Check[] }[] }).sections
    .flatMap(({ checks }) => checks)
    .find((one) => one.name === name)

/** As typed by somebody who is root already. */
const withoutSudo = (mend: string): string => mend.replaceAll('sudo ', '')

interface Fault {
  /** The check that finds it. */
  readonly name: string
  readonly mend: RegExp
  /** Flags of unshare(1). */
  readonly flags: readonly string[]
  /** Shell commands that make it there. */
  readonly make: string
}

function isMended(t: Test, scope: Scope, { name, mend, flags, make }: Fault): void {
  const doctorAfter = (commands: string): Check | undefined => {
    const script = `${commands}\nexec "$@"`
    const command = scope.runner.commandLine(['doctor', '--json'])
    const { stdout, stderr } = scope.runner.runProgram('unshare', [...flags, 'sh', '-euc', script, 'sh', ...command])
    t.equal(stderr, '')
    return checkIn(stdout, name)
  }
  const before = doctorAfter(make)
  t.not(before?.state, 'ok')
  t.match(before?.mend, mend)
  t.equal(doctorAfter(`${make}\n(${withoutSudo(before?.mend ?? '')}) >/dev/null`)?.state, 'ok', before?.mend ?? '')
}

test('user namespaces that are not allowed', (t, scope) => {
  isMended(t, scope, {
    name: 'user namespaces',
    mend: /^sudo sysctl -w user.max_user_namespaces=15000$/,
    flags: ['--user', '--map-root-user'],
    make: 'echo 0 > /proc/sys/user/max_user_namespaces',
  })
})

test('no cgroups are mounted', (t, scope) => {
  isMended(t, scope, {
    name: 'hierarchies',
    mend: /^sudo mount -t cgroup2 none \/sys\/fs\/cgroup$/,
    flags: ['--mount'],
    make: 'umount --recursive /sys/fs/cgroup; [ -d /sys/fs/cgroup ]',
  })
})

test('cgroups are mounted read-only', (t, scope) => {
  isMended(t, scope, {
    name: 'delegation',
    mend: /^sudo mount -o remount,bind,rw \/sys\/fs\/cgroup/,
    flags: ['--mount'],
    make: `findmnt -nlo TARGET,FSTYPE | awk '$2 ~ /^cgroup/ { print $1 }' | xargs -n 1 mount -o remount,bind,ro`,
  })
})

test('an ordinary user has no XDG_RUNTIME_DIR', (t, scope) => {
  const user = new User(scope)
  const found = (env: Readonly<Record<string, string>>): Check | undefined => {
    const PATH = process.env.PATH ?? ''
    return checkIn(user.runner.run(['doctor', '--json'], { env: { PATH, ...env } }).stdout, 'XDG_RUNTIME_DIR')
  }
  const [command = '', or] = found({})?.mend?.split(', or ') ?? []
  t.equal(or, '--root DIR')
  const typed = `export TMPDIR=${scope.root}; ${command}; printf %s "$XDG_RUNTIME_DIR"`
  const { stdout: directory } = user.program(['sh', '-euc', typed])
  t.equal(found({ XDG_RUNTIME_DIR: directory })?.state, 'ok')
  scope.runner.runProgram('rmdir', [directory])
})

test(
  'an ordinary user has no subordinate ids',
  (t, scope) => {
    const files = ['/etc/subuid', '/etc/subgid']
    const before = new User(scope).runner.run(['doctor', '--json']).stdout
    const mends = files.map((file) => checkIn(before, file)?.mend ?? '')
    for (const one of mends) t.match(one, /^sudo usermod --add-sub[ug]ids 100000-165535 tsrun-test-user$/)
    // usermod puts new files in the place of old ones, so all of /etc is a copy.
    const prepare = [
      'mount -t tmpfs tmpfs /mnt && cp -a /etc /mnt/etc',
      `echo 'tsrun-test-user:x:${userId}:' >> /mnt/etc/group && echo 'tsrun-test-user:*:1::::::' >> /mnt/etc/shadow`,
      ...['passwd', ...files.map((file) => file.slice(5))].map((name) => `umount /etc/${name}`),
      `echo 'tsrun-test-user:x:${userId}:${userId}::/:/bin/sh' >> /mnt/etc/passwd && mount --bind /mnt/etc /etc`,
      ...mends.map(withoutSudo),
    ]
    const { stdout, stderr } = new User(scope, { prepare }).runner.run(['doctor', '--json'])
    t.equal(stderr, '')
    for (const file of files) t.equal(checkIn(stdout, file)?.state, 'ok', file)
  },
  { needs: ['newuidmap'] },
)

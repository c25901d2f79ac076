/** `run --image` by the flags of `docker run`: what a container of an image may by default, and what each flag changes. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { busyboxLayer, writeLayout } from '../helpers/image.js'
import type { Result } from '../helpers/runtime.js'
import type { Scope } from '../helpers/scope.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun', 'overlay')

/** Runs a container of an image with busybox, in the test's own store. */
function runner(scope: Scope): (flags: readonly string[], script: string) => Result {
  writeLayout(scope.path('layout'), { layers: [busyboxLayer()] })
  const at = ['--image-root', scope.path('store')]
  const { status, stderr } = scope.runtime(['image', 'import', ...at, '--name', 'test', scope.path('layout')])
  if (status !== 0) throw new Error(stderr)
  return (flags, script) => scope.runtime(['run', ...at, '--image', 'test', ...flags, 'sh', '-c', script])
}

test("by default a container has Docker's filter and capabilities, and may become root by a set-user-ID program", (t, scope) => {
  const run = runner(scope)
  const status = run([], 'grep -E "^(Seccomp|NoNewPrivs|CapBnd|CapEff|CapInh|CapAmb):" /proc/self/status').stdout
  for (const line of ['Seccomp:\t2', 'NoNewPrivs:\t0', 'CapBnd:\t00000000a80425fb', 'CapEff:\t00000000a80425fb'])
    t.ok(status.split('\n').includes(line), line)
  for (const line of ['CapInh:\t0000000000000000', 'CapAmb:\t0000000000000000'])
    t.ok(status.split('\n').includes(line), line)
  t.match(run([], 'unshare -U true').stderr, 'Operation not permitted')
  t.equal(run([], 'chroot / /bin/sh -c "id -u"').stdout, '0\n')
})

test('--security-opt replaces the filter, and switches new privileges off', (t, scope) => {
  const run = runner(scope)
  const seccomp = 'grep -E "^(Seccomp|NoNewPrivs):" /proc/self/status'
  t.match(run(['--security-opt', 'seccomp=unconfined'], seccomp).stdout, 'Seccomp:\t0')
  t.equal(run(['--security-opt', 'seccomp=unconfined'], 'unshare -U id -u').stdout, '65534\n')
  t.match(run(['--security-opt', 'no-new-privileges'], seccomp).stdout, 'NoNewPrivs:\t1')
  t.match(run(['--security-opt', 'no-new-privileges:false'], seccomp).stdout, 'NoNewPrivs:\t0')
  const rule = { names: ['chmod', 'fchmodat', 'fchmodat2'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 }
  const withoutChmod = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ ...rule, excludes: { caps: ['CAP_KILL'] } }] }
  writeFileSync(scope.path('profile'), JSON.stringify(withoutChmod))
  const own = ['--security-opt', `seccomp=${scope.path('profile')}`]
  t.equal(run(own, 'touch /x && /bin/busybox chmod 700 /x && stat -c %a /x').stdout, '700\n')
  t.match(run([...own, '--cap-drop', 'KILL'], 'touch /x; /bin/busybox chmod 700 /x').stderr, 'not supported')
  t.match(run(['--security-opt', 'label=type:x'], 'true').stderr, 'invalid value for --security-opt: "label=type:x"')
  t.match(run(['--security-opt', `seccomp=${scope.path('nothing')}`], 'true').stderr, 'nothing')
})

test('capabilities that are added bring their system calls, and ALL is all', (t, scope) => {
  const run = runner(scope)
  t.equal(run(['--cap-add', 'SYS_ADMIN'], 'unshare -m id -u').stdout, '0\n')
  const all = run(['--cap-add', 'ALL', '--cap-drop', 'mknod'], 'grep CapEff /proc/self/status').stdout
  const bits = BigInt(`0x${/\t(\w+)/.exec(all)?.[1] ?? ''}`)
  const own = BigInt(`0x${/CapBnd:\t(\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''}`)
  t.equal(bits, own & ~(1n << 27n))
  t.match(run(['--cap-drop', 'ALL'], 'grep CapEff /proc/self/status').stdout, 'CapEff:\t0000000000000000')
  t.match(run(['--cap-add', 'sys_everything'], 'true').stderr, 'there is no capability "CAP_SYS_EVERYTHING"')
})

test('/proc is masked, unless nothing is to be', (t, scope) => {
  const run = runner(scope)
  const script = '{ echo x > /proc/sys/kernel/domainname; } 2>&1; cat /proc/kcore | head -c 1 | wc -c'
  t.match(run([], `PATH=/bin; ${script.replace(/head.*/, 'grep -c .')}`).stdout, /Read-only file system\n0\n/)
  t.equal(run(['--security-opt', 'systempaths=unconfined'], 'echo x > /proc/sys/kernel/domainname').stderr, '')
})

test('limits of the program and of the container', (t, scope) => {
  const run = runner(scope)
  const limits = ['--ulimit', 'nofile=100:200', '--ulimit', 'core=0', '--ulimit', 'stack=-1']
  const read = 'grep -E "Max (open|core|stack)" /proc/self/limits'
  t.match(
    run(limits, read).stdout,
    /stack size +unlimited +unlimited [^]*core file size +0 +0 [^]*open files +100 +200 /,
  )
  t.match(run(['--ulimit', 'files=1'], 'true').stderr, 'invalid value for --ulimit: "files=1"')
  t.equal(run(['--oom-score-adj', '500'], 'cat /proc/self/oom_score_adj').stdout, '500\n')
  t.match(run(['--shm-size', '8m'], 'df -k /dev/shm').stdout, / 8192 /)
  t.equal(run(['--sysctl', 'net.ipv4.ip_default_ttl=7'], 'cat /proc/sys/net/ipv4/ip_default_ttl').stdout, '7\n')
  t.match(run(['--sysctl', 'vm.swappiness=7'], 'true').stderr, 'vm.swappiness')
  t.equal(run(['-u', 'app', '--group-add', '55', '--group-add', 'root'], 'id -G').stdout, '1000 0 44 55\n')
  t.match(run(['--group-add', 'wheel'], 'true').stderr, 'the image has no group "wheel"')
})

test('mounts in the words of --mount', (t, scope) => {
  const run = runner(scope)
  mkdirSync(scope.path('shared'))
  const mount = (spec: string): string[] => ['--mount', spec]
  const bind = `type=bind,src=${scope.path('shared')},dst=/mnt/x`
  t.equal(run(mount(bind), 'echo y > /mnt/x/file').stderr, '')
  t.equal(readFileSync(scope.path('shared/file'), 'utf8'), 'y\n')
  t.match(run(mount(`${bind},readonly`), 'touch /mnt/x/file').stderr, 'Read-only file system')
  t.match(
    run(mount('type=tmpfs,target=/mnt,tmpfs-size=1m,tmpfs-mode=711'), 'df -k /mnt; stat -c %a /mnt').stdout,
    /1024 [^]*\n711\n/,
  )
  t.match(run(mount('type=volume,source=v,target=/mnt'), 'true').stderr, 'type=volume is of engines')
  t.match(run(mount(`${bind},volume-nocopy=true`), 'true').stderr, 'tsrun knows no volume-nocopy of type=bind')
  t.match(run(mount('type=bind,source=/,target=x'), 'true').stderr, 'it has no absolute target')
})

test("namespaces may be the host's", (t, scope) => {
  const run = runner(scope)
  const own = (name: string): string => scope.runner.runProgram('readlink', [`/proc/self/ns/${name}`]).stdout
  for (const [flag, name] of Object.entries({
    pid: 'pid',
    ipc: 'ipc',
    uts: 'uts',
    cgroupns: 'cgroup',
    network: 'net',
  })) {
    const read = `readlink /proc/self/ns/${name}`
    t.equal(run([`--${flag}`, 'host'], read).stdout, own(name), `--${flag} host`)
    t.not(run(flag === 'cgroupns' ? ['--cgroupns', 'private'] : [], read).stdout, own(name), `${flag} by default`)
    t.match(run([`--${flag}`, 'container:x'], 'true').stderr, `invalid value for --${flag}: "container:x"`)
  }
})

test("on the host's network programs find names as the host does, and may not change how", (t, scope) => {
  const run = runner(scope)
  writeFileSync(scope.path('hosts'), '10.0.0.1 own\n')
  t.equal(run(['--network', 'host'], 'cat /etc/hosts').stdout, readFileSync('/etc/hosts', 'utf8'))
  t.match(run(['--network', 'host'], 'echo x > /etc/hosts').stderr, 'Read-only file system')
  const own = ['--network', 'host', '-v', `${scope.path('hosts')}:/etc/hosts`]
  t.equal(run(own, 'cat /etc/hosts').stdout, '10.0.0.1 own\n')
  t.equal(run([], 'ls /etc').stdout, 'group\nos-release\npasswd\n')
})

test('-i --rm is what happens anyway, and what cannot be is refused', (t, scope) => {
  const run = runner(scope)
  const at = ['run', '--rm', '-i', '--image-root', scope.path('store'), '--image', 'test', 'cat']
  t.equal(scope.runtime(at, { input: 'typed' }).stdout, 'typed')
  t.match(run(['--rm', '--keep'], 'true').stderr, '--rm does not go with --keep')
  t.match(run(['--rm', '-d'], 'true').stderr, '--rm does not go with --detach')
  t.match(
    scope.runtime(['run', ...at.slice(3, 5), '--pull', 'never', '--image', 'other']).stderr,
    'there is no image "other"',
  )
})

test('flags of docker run that there are not are refused with a reason', (t, scope) => {
  const reasons = {
    '-p=80:80': 'there is no bridge here',
    '--publish=80:80': 'there is no bridge here',
    '--privileged': '--cap-add ALL --security-opt seccomp=unconfined',
    '--device=/dev/fuse': 'linux.devices',
    '--restart=always': 'that is for systemd',
    '--gpus=all': 'linux.devices',
    '--init': 'tsrun brings no program into a container',
    '--dns=1.1.1.1': '/etc/resolv.conf',
    '--userns=host': 'subordinate ids',
    '--volumes-from=x': 'there are no volumes',
    '--log-driver=none': 'the output is that of tsrun',
    '--stop-signal=TERM': 'tsrun kill ID SIGNAL',
    '--platform=linux/arm64': 'tsrun image pull --platform',
  }
  for (const [flag, reason] of Object.entries(reasons)) {
    const { status, stderr } = scope.runtime(['run', flag, '--image', 'test', 'true'])
    t.equal(status, 1)
    t.match(stderr, `flag provided but not defined: ${flag.replace(/^--/, '-').replace(/=.*/, '')}`)
    t.match(stderr, reason)
  }
})

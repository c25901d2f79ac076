/** linux.netDevices. Each test makes a network namespace to be the runtime's, so that the host's is never touched. */
import { setNamespace, type Change } from '../helpers/config.js'
import type { Container } from '../helpers/container.js'
import type { Result } from '../helpers/runtime.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

const needs = ['veth'] as const
const needsTsrun = ['veth', 'tsrun'] as const

/** A container with a network namespace of its own, whose program prints what `ip` says of these devices. */
function container(scope: Scope, devices: Readonly<Record<string, { name?: string }>>, change?: Change): Container {
  return scope.container((config) => {
    config.process.args = ['/bin/busybox', 'ip', 'addr']
    setNamespace(config, 'network')
    config.linux.netDevices = devices
    change?.(config)
  })
}

/** Runs a shell script in a new network namespace: "$@" runs the container, $OUT is a folder, $ID its id. */
function inNetwork(scope: Scope, { bundle, id }: Container, script: string): Result {
  const [program, ...args] = scope.runner.commandLine(['run', '--bundle', bundle.path, id])
  const env = { PATH: process.env.PATH ?? '', OUT: scope.folder, ID: id }
  return scope.runner.runProgram('unshare', ['--net', '/bin/sh', '-ec', script, 'sh', program, ...args], { env })
}

/** The part of `ip addr` about one device; empty when there is none. */
function device(output: string, name: string): string {
  const parts = output.split(/^(?=\d+: )/m)
  return parts.find((part) => new RegExp(`^\\d+: ${name}[@:]`).test(part)) ?? ''
}

test(
  'a device is in the container, up, with its permanent global addresses, and all else as it was',
  (t, scope) => {
    const script = `
      ip link add eth7 mtu 1400 address 02:00:00:00:00:07 type veth peer name peer7
      ip link set peer7 up
      ip addr add 192.0.2.5/24 broadcast 192.0.2.255 dev eth7
      ip addr add 192.0.2.6/24 dev eth7
      ip addr add 198.51.100.1 peer 198.51.100.2/32 dev eth7
      ip addr add 203.0.113.1/24 dev eth7 noprefixroute
      ip addr add 169.254.9.9/16 scope link dev eth7
      ip addr add 192.0.2.99/24 valid_lft 9999 preferred_lft 9999 dev eth7
      ip link set eth7 up
      ip addr add 2001:db8::5/64 dev eth7
      ip addr add 2001:db8::6/128 nodad dev eth7
      "$@"`
    const { status, stdout, stderr } = inNetwork(
      scope,
      container(scope, { eth7: {} }, (config) => {
        config.process.args = ['/bin/sh', '-c', 'busybox ip addr; echo; cat /proc/net/if_inet6; busybox ip route']
      }),
      script,
    )
    t.same({ status, stderr }, { status: 0, stderr: '' })
    const found = device(stdout, 'eth7')
    t.match(found, /[<,]UP[,>].* mtu 1400 /)
    t.match(found, /link\/ether 02:00:00:00:00:07/)
    t.match(found, /inet 192\.0\.2\.5\/24 brd 192\.0\.2\.255 scope global eth7/)
    t.match(found, /inet 192\.0\.2\.6\/24 scope global secondary eth7/)
    t.match(found, /inet 198\.51\.100\.1 peer 198\.51\.100\.2\/32 scope global eth7/)
    t.match(found, /inet6 2001:db8::5\/64 scope global/)
    t.match(found, /inet6 2001:db8::6\/128 scope global/)
    t.notMatch(found, '169.254.9.9', 'not of global scope')
    t.notMatch(found, '192.0.2.99', 'not permanent')
    const flags = /^20010db8000000000000000000000006 \w+ 80 00 (\w+)/m.exec(stdout)?.[1] ?? '0'
    t.equal(parseInt(flags, 16) & 0x02, 0x02, 'IFA_F_NODAD')
    t.match(stdout, /^192\.0\.2\.0\/24 dev eth7/m)
    t.notMatch(stdout, /^203\.0\.113\.0\/24/m, 'IFA_F_NOPREFIXROUTE')
    t.match(found, /inet 203\.0\.113\.1\/24/)
  },
  { needs },
)

test(
  'devices get their names, two may swap theirs, and the loopback device is up beside them',
  (t, scope) => {
    const script = `
      for number in 0 1 2; do
        ip link add eth$number type veth peer name peer$number
        ip addr add 192.0.2.$number/32 dev eth$number
      done
      "$@"
      ip link show eth1 2>&1 || true`
    const devices = { eth0: { name: 'eth1' }, eth1: { name: 'eth0' }, eth2: { name: 'fifteen-bytes.2' } }
    const { status, stdout, stderr } = inNetwork(scope, container(scope, devices), script)
    t.same({ status, stderr }, { status: 0, stderr: '' })
    t.match(device(stdout, 'eth1'), '192.0.2.0/32')
    t.match(device(stdout, 'eth0'), '192.0.2.1/32')
    t.match(device(stdout, 'fifteen-bytes.2'), '192.0.2.2/32')
    t.match(device(stdout, 'lo'), '127.0.0.1/8')
    t.notMatch(stdout, 'eth2')
    t.match(stdout, /eth1.* does not exist/, 'nor is it in the runtime namespace any more')
  },
  { needs },
)

test(
  'createRuntime hooks find the device in the container, and a virtual one is gone with it',
  (t, scope) => {
    // The kernel takes a namespace down when it finds the time: the monitor tells when. It listens as soon as
    // it has told of anything.
    const script = `
      ip link add eth0 type veth peer name peer0
      mkfifo $OUT/monitor
      ip monitor link > $OUT/monitor & monitor=$!
      exec 9< $OUT/monitor
      while true; do ip link set peer0 up; ip link set peer0 down; done & changes=$!
      read -r line <&9
      kill $changes
      "$@"
      while ip link show peer0 > /dev/null 2>&1; do read -r line <&9; done
      kill $monitor
      ip -o link`
    const made = container(scope, { eth0: { name: 'net0' } }, (config) => {
      const seen = scope.path('seen')
      const hook = `pid=$(sed 's/.*"pid": *\\([0-9]*\\).*/\\1/'); cat /proc/$pid/net/dev > ${seen}; ls /sys/class/net >> ${seen}`
      config.hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', hook], env: ['PATH=/bin:/usr/bin'] }] }
      config.process.args = ['/bin/true']
    })
    const { status, stdout, stderr } = inNetwork(scope, made, script)
    t.same({ status, stderr }, { status: 0, stderr: '' })
    const seen = scope.runner.runProgram('cat', [scope.path('seen')]).stdout
    t.match(seen, /^ *net0:/m)
    t.notMatch(stdout, /net0|eth0|peer0/)
    t.match(stdout, /: lo:/)
  },
  { needs },
)

test(
  'a device works in a user namespace of the container’s own',
  (t, scope) => {
    const made = container(scope, { eth0: {} }, (config) => {
      setNamespace(config, 'user')
      const ids = [{ containerID: 0, hostID: 0, size: 65536 }]
      Object.assign(config.linux, { uidMappings: ids, gidMappings: ids })
    })
    const script = `
      ip link add eth0 type veth peer name peer0
      ip addr add 192.0.2.1/24 dev eth0
      "$@"`
    const { status, stdout, stderr } = inNetwork(scope, made, script)
    t.same({ status, stderr }, { status: 0, stderr: '' })
    t.match(device(stdout, 'eth0'), /[<,]UP[,>][^]*192\.0\.2\.1\/24/)
  },
  { needs: ['veth', 'user-namespaces'] },
)

test(
  'in a namespace that is joined by its path a device outlives the container',
  (t, scope) => {
    const netns = scope.path('netns')
    const script = `
      touch $OUT/netns
      unshare --net=$OUT/netns true
      ip link add eth0 type veth peer name peer0
      "$@"
      nsenter --net=$OUT/netns ip -o link show net0`
    // The file of the namespace is a mount, which must not be seen outside the script.
    const made = container(scope, { eth0: { name: 'net0' } }, (config) => setNamespace(config, 'network', netns))
    const privately = `exec unshare --mount --propagation private /bin/sh -ec '${script}' sh "$@"`
    const { status, stdout, stderr } = inNetwork(scope, made, privately)
    t.same({ status, stderr }, { status: 0, stderr: '' })
    t.match(device(stdout, 'net0'), /[<,]UP[,>]/)
    t.match(stdout, /^\d+: net0@.*[<,]UP[,>][^\n]*\n*$/m)
  },
  { needs },
)

test(
  'a device that is not there, and a name that is taken, are errors before anything is moved',
  (t, scope) => {
    const script = `
      ip link add eth0 type veth peer name peer0
      ip addr add 192.0.2.1/24 dev eth0
      "$@" || echo status $?
      ip addr show eth0`
    const missing = inNetwork(scope, container(scope, { eth0: {}, eth9: {} }), script)
    t.match(missing.stderr, /cannot move network device "eth9" into the container: RTM_GETLINK: no such device/)
    t.match(missing.stdout, /^status 1\n/)
    t.match(device(missing.stdout.replace(/^status 1\n/, ''), 'eth0'), '192.0.2.1/24', 'the other one has stayed')
    const taken = inNetwork(scope, container(scope, { eth0: { name: 'lo' } }), script)
    t.match(
      taken.stderr,
      /network device "eth0" into the container as "lo": RTM_GETLINK: file exists \(the container has a device of this name\)/,
    )
    t.match(device(taken.stdout.replace(/^status 1\n/, ''), 'eth0'), '192.0.2.1/24')
  },
  { needs: needsTsrun },
)

test(
  'a device that the kernel does not let go is an error in its words',
  (t, scope) => {
    const { stderr } = inNetwork(scope, container(scope, { lo: { name: 'lo0' } }), '"$@" || true')
    t.match(stderr, /cannot move network device "lo" into the container as "lo0": RTM_SETLINK: invalid argument/)
  },
  { needs: needsTsrun },
)

test(
  'devices need a network namespace, which is not the runtime’s own under another name',
  (t, scope) => {
    const without = container(scope, { eth0: {} }, (config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'network')
    })
    t.match(without.create(), { status: 1, stderr: /\/linux\/netDevices: needs a network namespace/ })
    const own = container(scope, { eth0: {} }, (config) => setNamespace(config, 'network', '/proc/self/ns/net'))
    t.match(own.create(), {
      status: 1,
      stderr: /\/linux\/netDevices\/eth0: "\/proc\/self\/ns\/net" is the network namespace of the host/,
    })
  },
  { needs: needsTsrun },
)

test(
  'whoever lacks CAP_NET_ADMIN is told so',
  (t, scope) => {
    const script = `
      ip link add eth0 type veth peer name peer0
      setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$@"`
    const { status, stderr } = inNetwork(scope, container(scope, { eth0: {} }), script)
    t.equal(status, 1)
    t.match(stderr, /network device "eth0" into the container: RTM_\w+: operation not permitted \(needs CAP_NET_ADMIN/)
  },
  { needs: needsTsrun },
)

test(
  'plan shows the devices and their names',
  (t, scope) => {
    const { bundle, id } = container(scope, { eth0: {}, eth1: { name: 'net1' } })
    const { stdout } = scope.runtime(['plan', '--bundle', bundle.path, id])
    t.match(stdout, /^netDevice +eth0\nnetDevice +eth1 as net1$/m)
  },
  { needs: ['tsrun'] },
)

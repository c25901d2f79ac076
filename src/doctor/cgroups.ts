/** Doctor: cgroups, who may make them here, and systemd. */
import { withSystemd } from '../cgroup/systemd-bus.js'
import { messageChain } from '../errors.js'
import { probeHost } from '../host/facts.js'
import { isWritable, processIds } from '../native/binding.js'
import { blockingWaiter } from '../native/wait.js'
import type { HostFacts } from '../plan/types.js'
import { check, type Check, type Section } from './check.js'

const wanted = ['cpu', 'memory', 'pids', 'io', 'cpuset']

/** The mode, the controllers, and whether this user may make cgroups. */
export async function cgroupSection(): Promise<Section> {
  const { cgroup } = probeHost({ apparmor: false, selinux: false })
  return { title: 'cgroups', checks: [mode(cgroup), controllers(cgroup), ...delegation(cgroup), await systemd()] }
}

const words: Readonly<Record<HostFacts['cgroup']['mode'], string>> = {
  v2: 'version 2 alone',
  v1: 'version 1 alone',
  hybrid: 'version 1, and version 2 beside it',
  none: 'none is mounted',
}

function mode({ mode }: HostFacts['cgroup']): Check {
  const state = mode === 'none' ? 'missing' : mode === 'v2' ? 'ok' : 'partly'
  const mend =
    mode === 'none'
      ? 'sudo mount -t cgroup2 none /sys/fs/cgroup'
      : 'boot with systemd.unified_cgroup_hierarchy=1: pause, OOM groups and rootless limits are better there'
  return check('hierarchies', state, words[mode], mend)
}

function controllers({ mode, controllers = [], v1 }: HostFacts['cgroup']): Check {
  const all = [...new Set([...controllers, ...Object.keys(v1).flatMap((names) => names.split(','))])]
  const lacking = wanted.filter((name) => !all.includes(name) && !(name === 'io' && all.includes('blkio')))
  const found = all.filter((name) => !name.startsWith('name=')).join(' ') || 'none'
  const state = mode === 'none' || lacking.length === wanted.length ? 'missing' : lacking.length > 0 ? 'partly' : 'ok'
  return check(
    'controllers',
    state,
    found,
    `limits of ${lacking.join(', ')} are refused: a kernel or boot option that has them`,
  )
}

/** Where containers get their cgroups: beside this process's own, below the same parent. */
function delegation({ mode, unified, own, v1 }: HostFacts['cgroup']): Check[] {
  const name = 'delegation'
  if (mode === 'none') return []
  const user = processIds().euid !== 0
  const places =
    unified === undefined
      ? Object.entries(v1).map(([key, point]) => `${point}${own[key] ?? '/'}`)
      : [`${unified}${(own[''] ?? '/').replace(/\/[^/]*$/, '') || ''}`]
  const [place = ''] = places.filter((path) => !isWritable(path))
  if (places.every((path) => isWritable(path)))
    return [check(name, 'ok', user ? 'this user may make cgroups' : 'root may make cgroups')]
  return [
    check(
      name,
      user ? 'partly' : 'missing',
      `no right to make cgroups in ${place}`,
      user
        ? 'systemd-run --user --scope -p Delegate=yes bash, or --systemd-cgroup'
        : 'sudo mount -o remount,rw /sys/fs/cgroup (in a container: --privileged, --cgroupns=private)',
    ),
  ]
}

async function systemd(): Promise<Check> {
  const kind = processIds().euid === 0 ? 'system' : 'user'
  try {
    const version = await withSystemd(kind, blockingWaiter, (manager) => manager.version())
    return check('systemd', 'ok', `${version} answers on the ${kind} bus: --systemd-cgroup works`)
  } catch (error) {
    const found = messageChain(error)
    return check(
      'systemd',
      'partly',
      found,
      'leave --systemd-cgroup out; or install dbus (user: dbus-user-session) and log in anew',
    )
  }
}

/** Doctor: cgroups, who may make them here, and systemd. */
import { withSystemd } from '../cgroup/systemd-bus.js'
import { messageChain } from '../errors.js'
import { probeHost } from '../host/facts.js'
import { isWritable, probe, processIds } from '../native/binding.js'
import { blockingWaiter } from '../native/wait.js'
import type { HostFacts } from '../plan/types.js'
import { check, type Check, type Section } from './check.js'

const unifiedBoot = 'boot with systemd.unified_cgroup_hierarchy=1'

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
      : `${unifiedBoot}: pause, OOM groups and rootless limits are better there`
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

/** Where containers get their cgroups: of version 2 beside this process's own, of version 1 below it. */
function delegation({ mode, unified, own, v1 }: HostFacts['cgroup']): Check[] {
  if (mode === 'none') return []
  const user = processIds().euid !== 0
  const places = [
    ...Object.entries(v1).map(([key, point]) => ({ point, path: `${point}${own[key] ?? '/'}` })),
    ...(unified === undefined ? [] : [{ point: unified, path: unified + (own[''] ?? '/').replace(/\/[^/]*$/, '') }]),
  ]
  const closed = places.filter(({ path }) => !isWritable(path))
  const [first] = closed
  if (first === undefined) return [check('delegation', 'ok', `${user ? 'this user' : 'root'} may make cgroups`)]
  const found = `no right to make cgroups in ${first.path}`
  if (user) return [check('delegation', 'partly', found, mode === 'v2' ? userScope : unifiedBoot)]
  const points = [...new Set(closed.map(({ point }) => point))]
  const remount = points.map((point) => `sudo mount -o remount,bind,rw ${point}`).join(' && ')
  return [check('delegation', 'missing', found, probe('mountNamespace') === 0 ? remount : 'docker run --privileged')]
}

const userScope = 'systemd-run --user --scope -p Delegate=yes bash, or --systemd-cgroup'

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

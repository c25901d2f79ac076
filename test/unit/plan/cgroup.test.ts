import t from 'tap'
import type { Linux } from '#dist/config/types.js'
import { planCgroup } from '#dist/plan/cgroup.js'
import { hybridHost, linux, unifiedHost } from './support.js'

const unified = (cgroupsPath?: string) =>
  planCgroup(linux(cgroupsPath === undefined ? {} : { cgroupsPath }), 'demo', unifiedHost).unified

t.test('without a path the container lies beside the runtime', (t) => {
  t.equal(unified(), '/sys/fs/cgroup/system.slice/demo')
  t.equal(unified(''), '/sys/fs/cgroup/system.slice/demo')
  t.end()
})

t.test('a relative path starts there too, an absolute one at the mount point', (t) => {
  t.equal(unified('a/b'), '/sys/fs/cgroup/system.slice/a/b')
  t.equal(unified('/a/b'), '/sys/fs/cgroup/a/b')
  t.equal(unified('//a/./b/'), '/sys/fs/cgroup/a/b')
  t.end()
})

t.test('no path leads out of the hierarchy', (t) => {
  t.equal(unified('/../../etc'), '/sys/fs/cgroup/etc')
  t.equal(unified('/a/../../b'), '/sys/fs/cgroup/b')
  t.equal(unified('../../../etc'), '/sys/fs/cgroup/system.slice/etc', 'nor a relative one out of its start')
  const outside = { ...unifiedHost, cgroup: { ...unifiedHost.cgroup, own: { '': '/../../other' } } }
  t.equal(planCgroup(linux(), 'demo', outside).unified, '/sys/fs/cgroup/demo')
  t.end()
})

t.test('the container is in every hierarchy of a hybrid host that tracks it', (t) => {
  t.strictSame(planCgroup(linux({ cgroupsPath: '/kube/pod' }), 'demo', hybridHost), {
    unified: '/sys/fs/cgroup/unified/kube/pod',
    v1: {
      memory: '/sys/fs/cgroup/memory/kube/pod',
      'cpu,cpuacct': '/sys/fs/cgroup/cpu,cpuacct/kube/pod',
      'name=systemd': '/sys/fs/cgroup/systemd/kube/pod',
    },
  })
  const relative = planCgroup(linux({ cgroupsPath: 'pod' }), 'demo', hybridHost)
  t.equal(relative.v1.memory, '/sys/fs/cgroup/memory/job/pod', 'below the own cgroup in v1')
  t.equal(relative.unified, '/sys/fs/cgroup/unified/pod')
  t.end()
})

t.test('without a path too, below the own cgroup in v1', (t) => {
  t.strictSame(planCgroup(linux(), 'demo', hybridHost).v1.memory, '/sys/fs/cgroup/memory/job/demo')
  t.end()
})

t.test('a real-time policy keeps it out of the cpu group of v1, unless the config says limits or a place', (t) => {
  const process = { cwd: '/', args: ['/x'], scheduler: { policy: 'SCHED_RR' } } as const
  const hierarchies = (fields: Linux): string[] =>
    Object.keys(planCgroup({ process, linux: fields }, 'demo', hybridHost).v1)
  t.same(hierarchies({}), ['memory', 'name=systemd'])
  t.same(hierarchies({ resources: { cpu: { shares: 5 } } }), ['memory', 'cpu,cpuacct', 'name=systemd'])
  t.same(hierarchies({ cgroupsPath: 'x' }), ['memory', 'cpu,cpuacct', 'name=systemd'])
  t.end()
})

t.test('a host without cgroups gives none', (t) => {
  const facts = { ...unifiedHost, cgroup: { mode: 'none', v1: {}, own: {} } } as const
  t.strictSame(planCgroup(linux(), 'demo', facts), { v1: {} })
  t.end()
})

/** /sys of the host in a user namespace without a cgroup namespace: CVE-2023-25809 (runc). */
import { attackTest } from '../helpers/attack.js'
import { setNamespace, type Change } from '../helpers/config.js'

/** As `spec --rootless` writes it: a sysfs of its own would need a network namespace of its own. */
const rootless: Change = (config) => {
  setNamespace(config, 'user')
  // To ids that own every cgroup of the host, which is more than a rootless user has.
  const mapping = { containerID: 0, hostID: 0, size: 65536 }
  config.linux.uidMappings = [mapping]
  config.linux.gidMappings = [mapping]
  config.mounts = config.mounts.filter(({ destination }) => destination !== '/sys')
  const options = ['nosuid', 'noexec', 'nodev', 'ro']
  config.mounts.push(
    { destination: '/sys', type: 'none', source: '/sys', options: ['rbind', ...options] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...options, 'relatime'] },
  )
}

const script =
  'for d in /sys/fs/cgroup /sys/fs/cgroup/* /sys/fs/cgroup/*/*; do [ -d $d ] || continue; ' +
  'mkdir $d/evil && echo MADE $d; (echo 0 > $d/cgroup.procs) && echo MOVED $d; done; echo done'

for (const ownNamespace of [false, true]) {
  const name = ownNamespace ? 'with' : 'without'
  attackTest(`${name} a cgroup namespace the host’s cgroups below a bound /sys cannot be written to`, (t, scope) => {
    const container = scope.container((config) => {
      rootless(config)
      if (ownNamespace) setNamespace(config, 'cgroup')
      config.process.args = ['/bin/sh', '-c', script]
    })
    t.match(container.run(), { status: 0, stdout: /^done\n$/ })
  })
}

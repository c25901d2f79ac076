/** Cgroups: frozen ones, delegation to the container, none at all. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { groupOf, unifiedMount } from '../helpers/cgroups.js'
import { setNamespace } from '../helpers/config.js'
import { test } from '../helpers/test.js'

test(
  'a frozen cgroup is not taken over',
  (t, scope) => {
    const container = scope.container((config) => {
      config.linux.cgroupsPath = `/${scope.word}`
    })
    const directory = join(unifiedMount(), scope.word)
    mkdirSync(directory)
    scope.defer(() => {
      if (existsSync(directory)) rmdirSync(directory)
    })
    writeFileSync(join(directory, 'cgroup.freeze'), '1')
    t.match(container.create(), { status: 1, stderr: /container's cgroup unexpectedly frozen/ })
    writeFileSync(join(directory, 'cgroup.freeze'), '0')
    t.equal(container.create().status, 0)
  },
  { needs: ['cgroup-unified', 'tsrun'] },
)

test(
  'a container with a cgroup namespace and a writable cgroup mount owns its cgroup',
  (t, scope) => {
    const container = scope.container((config) => {
      setNamespace(config, 'cgroup')
      config.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup2', source: 'cgroup' })
      config.process.user = { uid: 4321, gid: 4321 }
      config.process.args = ['/bin/mkdir', '/sys/fs/cgroup/own']
    })
    t.match(container.create(), { status: 0, stderr: '' })
    const directory = groupOf(container.state().pid, '')
    const files = readFileSync('/sys/kernel/cgroup/delegate', 'utf8').trim().split('\n')
    const present = files.filter((file) => existsSync(join(directory, file)))
    t.ok(present.includes('cgroup.procs'))
    for (const file of ['.', ...present]) t.equal(statSync(join(directory, file)).uid, 4321, file)
    t.equal(statSync(join(directory, 'cgroup.kill')).uid, 0)
    container.start()
    container.awaitEnd()
    t.ok(existsSync(join(directory, 'own')))
  },
  { needs: ['cgroup-unified', 'tsrun'] },
)

test(
  'without cgroups (--cgroup-manager disabled) the container stays where its runtime is',
  (t, scope) => {
    const container = scope.container((config) => {
      config.process.args = ['/bin/cat', '/proc/self/cgroup']
    })
    const { stdout } = container.run([], { globals: ['--cgroup-manager', 'disabled'] })
    t.equal(stdout, readFileSync('/proc/self/cgroup', 'utf8'))
  },
  { needs: ['tsrun'] },
)

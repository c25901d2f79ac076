/** What `exec` is asked for, over what the config of the container says. */
import t from 'tap'
import type { Config } from '#dist/config/types.js'
import { wantedProcess } from '#dist/launch/exec-options.js'

const config: Config = {
  ociVersion: '1.2.0',
  root: { path: 'rootfs' },
  process: {
    cwd: '/srv',
    args: ['server'],
    env: ['A=1', 'B=2'],
    terminal: true,
    user: { uid: 7, gid: 8, additionalGids: [9], umask: 0o27 },
    capabilities: { bounding: ['CAP_KILL'], effective: [], permitted: ['CAP_KILL'] },
    rlimits: [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }],
    noNewPrivileges: true,
    apparmorProfile: 'strict',
  },
}

t.test('what is not asked for stays as it is in the config, but for the terminal', async (t) => {
  const { terminal, ...rest } = config.process
  const wanted = await wantedProcess(config, { args: ['ls'] })
  t.match(wanted, { ...rest, args: ['ls'], terminal: false })
  t.equal(terminal, true)
})

t.test('options that are no change of the process do not reach it', async (t) => {
  const given = { args: ['ls'], cgroup: ['x'], preserveFds: 2, env: undefined, detach: true }
  const wanted = await wantedProcess(config, given as never)
  for (const name of ['cgroup', 'preserveFds', 'detach']) t.notOk(name in wanted, name)
  t.same(wanted.env, ['A=1', 'B=2'])
})

t.test('capabilities are added to all sets but the inheritable one, groups and variables to those there', async (t) => {
  const options = { args: ['ls'], capabilities: ['CAP_CHOWN'], additionalGids: [10], env: ['B=3'], user: { uid: 1 } }
  t.match(await wantedProcess(config, options), {
    capabilities: {
      bounding: ['CAP_KILL', 'CAP_CHOWN'],
      effective: ['CAP_CHOWN'],
      permitted: ['CAP_KILL', 'CAP_CHOWN'],
    },
    user: { uid: 1, gid: 8, additionalGids: [9, 10], umask: 0o27 },
    env: ['A=1', 'B=2', 'B=3'],
  })
  const wanted = await wantedProcess(config, options)
  t.notOk('inheritable' in (wanted.capabilities ?? {}), 'CVE-2022-29162')
  t.notOk('ambient' in (wanted.capabilities ?? {}), 'ambient ones take inheritable ones')
  const process = { ...config.process, capabilities: { inheritable: ['CAP_KILL'], ambient: ['CAP_KILL'] } }
  t.match((await wantedProcess({ ...config, process }, options)).capabilities, {
    inheritable: ['CAP_KILL'],
    ambient: ['CAP_KILL', 'CAP_CHOWN'],
  })
})

t.test('a process that leaves out what confines it is confined as the container is', async (t) => {
  const wanted = await wantedProcess(config, { process: { cwd: '/', args: ['sh'] } })
  const { capabilities, rlimits, noNewPrivileges, apparmorProfile } = config.process
  t.match(wanted, { capabilities, rlimits, noNewPrivileges, apparmorProfile, user: { umask: 0o27 } })
  t.equal(wanted.user?.uid, undefined, 'but it is its own user')
})

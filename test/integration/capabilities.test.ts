/** config.json: process.capabilities and noNewPrivileges. */
import { chmodSync, copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { running } from '../helpers/exec.js'
import type { Report } from '../helpers/probe.js'
import { parseReport, tried } from '../helpers/probe.js'
import { tool } from '../helpers/tools.js'
import { test } from '../helpers/test.js'

const CHOWN = 1n << 0n
const KILL = 1n << 5n
const NET_RAW = 1n << 13n
const SYS_ADMIN = 1n << 21n

const sets = ({ status }: Report) => ({
  bounding: BigInt(`0x${status.CapBnd}`),
  permitted: BigInt(`0x${status.CapPrm}`),
  effective: BigInt(`0x${status.CapEff}`),
  inheritable: BigInt(`0x${status.CapInh}`),
  ambient: BigInt(`0x${status.CapAmb}`),
})

test('root has the sets that the config names', (t, scope) => {
  const report = scope.probe((config) => {
    config.process.capabilities = {
      bounding: ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_RAW'],
      permitted: ['CAP_CHOWN', 'CAP_KILL'],
      effective: ['CAP_CHOWN'],
      inheritable: ['CAP_KILL'],
      ambient: [],
    }
  })
  // capabilities(7): execve as root makes permitted = inheritable | bounding, and all of it effective.
  t.same(sets(report), {
    bounding: CHOWN | KILL | NET_RAW,
    permitted: CHOWN | KILL | NET_RAW,
    effective: CHOWN | KILL | NET_RAW,
    inheritable: KILL,
    ambient: 0n,
  })
})

test('another user keeps capabilities across execve only through the ambient set', (t, scope) => {
  const user = { uid: 1000, gid: 1000 }
  const names = ['CAP_CHOWN', 'CAP_KILL']
  const without = scope.probe((config) => {
    config.process.user = user
    config.process.capabilities = { bounding: names, permitted: names, effective: names, inheritable: names }
  })
  t.same(sets(without), {
    bounding: CHOWN | KILL,
    permitted: 0n,
    effective: 0n,
    inheritable: CHOWN | KILL,
    ambient: 0n,
  })
  const withAmbient = scope.probe((config) => {
    config.process.user = user
    const all = { bounding: names, permitted: names, effective: names, inheritable: names }
    config.process.capabilities = { ...all, ambient: ['CAP_KILL'] }
  })
  t.same(sets(withAmbient), {
    bounding: CHOWN | KILL,
    permitted: KILL,
    effective: KILL,
    inheritable: CHOWN | KILL,
    ambient: KILL,
  })
})

test('empty sets leave root without any capability', (t, scope) => {
  const report = scope.probe((config) => {
    config.process.capabilities = { bounding: [], permitted: [], effective: [], inheritable: [], ambient: [] }
  }, 'chown /probe 5 5')
  t.same(sets(report), { bounding: 0n, permitted: 0n, effective: 0n, inheritable: 0n, ambient: 0n })
  t.equal(tried(report, 'chown /probe 5 5').error, 'EPERM')
})

test('without the member capabilities nothing is taken away', (t, scope) => {
  const { bounding, effective } = sets(
    scope.probe((config) => {
      delete config.process.capabilities
    }),
  )
  t.equal(bounding & SYS_ADMIN, SYS_ADMIN)
  t.equal(effective, bounding)
})

test('a capability that does not exist is ignored with a warning, not with an error', (t, scope) => {
  const container = scope.container((config) => {
    config.process.capabilities = { bounding: ['CAP_NO_SUCH', 'CAP_KILL'] }
  })
  const { status } = container.run()
  t.equal(status, 0)
  t.equal(sets(container.report()).bounding, KILL)
})

const SYS_RESOURCE = 1n << 24n

/** Runs the runtime without CAP_SYS_RESOURCE, as in a container that was given fewer rights. */
const restricted = 'exec setpriv --bounding-set=-sys_resource --inh-caps=-sys_resource -- "$@"'

/** The one line of the log that says so. */
const withoutIt = /^[^\n]*level=warning msg="CAP_SYS_RESOURCE cannot be granted[^\n]*\n$/

test('what the runtime itself does not have is left out; the rest of the sets is given', (t, scope) => {
  const names = ['CAP_CHOWN', 'CAP_SYS_RESOURCE']
  const all = { bounding: names, permitted: names, effective: names, inheritable: names, ambient: names }
  const bundle = scope.bundle((config) => {
    config.process.args = ['/probe']
    config.process.capabilities = all
  })
  const ran = scope.runner.runInShell(restricted, ['run', '--bundle', bundle.path, scope.newId()])
  t.match(ran.stderr, withoutIt)
  const only = CHOWN
  t.same(sets(parseReport(ran.stdout)), {
    ...{ bounding: only, permitted: only, effective: only, inheritable: only, ambient: only },
  })
})

test('a process of exec does without what the runtime does not have, too', (t, scope) => {
  const container = running(scope, (config) => {
    config.process.capabilities = { bounding: ['CAP_CHOWN'], permitted: ['CAP_CHOWN'], effective: ['CAP_CHOWN'] }
  })
  const options = ['--cap', 'CAP_SYS_RESOURCE', '--cap', 'CAP_KILL']
  const ran = scope.runner.runInShell(restricted, ['exec', ...options, container.id, '/probe'])
  t.match(ran.stderr, withoutIt)
  const given = sets(parseReport(ran.stdout))
  t.same([given.permitted, given.effective, given.inheritable], [CHOWN | KILL, CHOWN | KILL, 0n])
})

test('in a user namespace of its own a container may have what the runtime does not', (t, scope) => {
  chmodSync(scope.folder, 0o755)
  const bundle = scope.bundle((config) => {
    config.process.args = ['/probe']
    config.linux.namespaces.push({ type: 'user' })
    // Needs a network namespace of the same owner.
    config.mounts = config.mounts.filter(({ type }) => type !== 'sysfs')
    config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 2000 }]
    config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 2000 }]
    const names = ['CAP_CHOWN', 'CAP_SYS_RESOURCE']
    config.process.capabilities = { bounding: names, permitted: names, effective: names }
  })
  const ran = scope.runner.runInShell(restricted, ['run', '--bundle', bundle.path, scope.newId()])
  t.equal(ran.stderr, '')
  t.equal(sets(parseReport(ran.stdout)).effective, CHOWN | SYS_RESOURCE)
})

test('noNewPrivileges is set only when asked for, and set-user-id programs then don’t work', (t, scope) => {
  for (const noNewPrivileges of [false, true]) {
    const container = scope.container((config) => {
      config.process.user = { uid: 1000, gid: 1000 }
      config.process.args = ['/setuid']
      config.process.noNewPrivileges = noNewPrivileges
    })
    const program = join(container.bundle.rootfs, 'setuid')
    copyFileSync(tool('probe'), program)
    chmodSync(program, 0o4755)
    t.equal(container.run().status, 0)
    const { status, uids } = container.report()
    t.equal(status.NoNewPrivs, noNewPrivileges ? '1' : '0')
    t.same(uids, noNewPrivileges ? [1000, 1000, 1000] : [1000, 0, 0])
  }
})

test('the program starts without secure bits and without a parent death signal', (t, scope) => {
  const { secureBits, parentDeathSignal, dumpable } = scope.probe()
  t.same({ secureBits, parentDeathSignal, dumpable }, { secureBits: 0, parentDeathSignal: 0, dumpable: 1 })
})

/** CVE-2016-9962: who may trace in the container finds nothing in what the runtime adds that the program has not. */
import { copyFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { attackTest } from '../helpers/attack.js'
import { setNamespace, type Change } from '../helpers/config.js'
import type { Container } from '../helpers/container.js'
import type { Scope } from '../helpers/scope.js'
import { Lines } from '../helpers/runtime.js'
import { tool } from '../helpers/tools.js'

/** What /seize has seen of tsrun-init. */
interface Seized {
  readonly caught: number
  readonly refused: number
  readonly privileged: number
  readonly unfiltered: number
  readonly capabilities: string
  readonly uids: readonly string[]
  readonly groups: readonly string[]
  readonly processes: readonly string[]
  readonly directories: readonly string[]
  readonly descriptors: readonly string[]
}

/** How often a process is added at least; it is there for so short a time that many of them are not seen. */
const rounds = Number(process.env.ROUNDS ?? 25)
/** How often at most, until one was seen. */
const mostRounds = Math.max(rounds, 400)

const capabilities = ['CAP_KILL', 'CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE', 'CAP_SETUID', 'CAP_SYS_CHROOT']

/** A container whose processes may trace; its program traces whatever is new. */
const tracing: Change = (config) => {
  config.process.args = ['/seize']
  config.process.capabilities = { bounding: capabilities, effective: capabilities, permitted: capabilities }
}

const filtered: Change = (config) => {
  config.linux.seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 42 }],
  }
}

const limited: Change = ({ process }) => {
  process.rlimits = [{ type: 'RLIMIT_NPROC', soft: 50, hard: 60 }]
}

const asUser: Change = ({ process }) => {
  process.user = { uid: 1000, gid: 1000, additionalGids: [7] }
}

const hooked: Change = (config) => {
  config.hooks = { createContainer: [{ path: '/bin/true' }] }
}

const withoutNewPrivileges: Change = ({ process }) => {
  process.noNewPrivileges = true
}

function tracer(scope: Scope, ...changes: readonly Change[]): Container {
  const container = scope.container((config) => {
    tracing(config)
    for (const change of changes) change(config)
  })
  copyFileSync(tool('seize'), join(container.bundle.rootfs, 'seize'))
  const { status, stderr } = container.run(['--detach'])
  if (status !== 0) throw new Error(`the container does not run: ${stderr}`)
  return container
}

function seenBy(container: Container): Seized {
  container.kill('TERM')
  container.awaitEnd()
  return JSON.parse(container.output.stdout.trim().split('\n').at(-1) ?? '') as Seized
}

const inode = (path: string): string => {
  const { dev, ino } = statSync(path)
  return `${dev}:${ino}`
}

/** Asserts that nothing was more than what the program of the container has. */
function hasNoMore(t: Test, seen: Seized, { rootfs, uid = 0 }: { rootfs: string; uid?: number }): void {
  t.comment(JSON.stringify(seen))
  t.ok(seen.caught + seen.refused > 0, 'it was there to be seen')
  t.equal(seen.privileged, 0, 'no capability, permitted or bounding')
  t.equal(seen.unfiltered, 0, 'under the filter from the beginning')
  for (const line of seen.uids) t.equal(line, Array.from({ length: 4 }, () => uid).join('\t'))
  for (const line of seen.directories) t.equal(line, inode(rootfs), 'no directory but the root')
  const channels = seen.descriptors.filter((target) => !['socket:', 'pipe:', '/dev/null'].includes(target))
  t.same(channels, [], 'no descriptor but those that it waits at')
}

const execConfigurations: Record<string, { changes: Change[]; uid?: number; flags?: string[] }> = {
  'nothing else': { changes: [] },
  'a seccomp filter': { changes: [filtered] },
  'a seccomp filter and noNewPrivileges': { changes: [filtered, withoutNewPrivileges] },
  RLIMIT_NPROC: { changes: [limited] },
  'a seccomp filter and RLIMIT_NPROC': { changes: [filtered, limited] },
  'a filter and a limit of another user': {
    changes: [filtered, limited],
    flags: ['--user', '1000:1000', '--additional-gids', '7'],
    uid: 1000,
  },
}

for (const [name, { changes, uid, flags = [] }] of Object.entries(execConfigurations)) {
  attackTest(`exec with ${name}: the added process has no more rights than the program`, (t, scope) => {
    const container = tracer(scope, ...changes)
    const isCaught = (): boolean => container.output.stdout.includes('caught')
    for (let round = 0; round < rounds || (round < mostRounds && !isCaught()); round++)
      t.equal(scope.runtime(['exec', ...flags, container.id, '/bin/true']).status, 0)
    hasNoMore(t, seenBy(container), { rootfs: container.bundle.rootfs, ...(uid === undefined ? {} : { uid }) })
  })
}

/** Settings of a container that joins the pid namespace of one that traces. */
const joiningConfigurations: Record<string, { changes: Change[]; uid?: number }> = {
  'nothing else': { changes: [] },
  'a seccomp filter': { changes: [filtered] },
  'a seccomp filter and noNewPrivileges': { changes: [filtered, withoutNewPrivileges] },
  'a filter, a limit and another user': { changes: [filtered, limited, asUser], uid: 1000 },
  'a createContainer hook': { changes: [hooked] },
}

for (const [name, { changes, uid = 0 }] of Object.entries(joiningConfigurations)) {
  const title = `created in a pid namespace of others with ${name}: these see no more rights than the program's`
  const body = (t: Test, scope: Scope): void => {
    const target = tracer(scope, ...changes)
    const pidNamespace = `/proc/${target.state().pid}/ns/pid`
    const joining = scope.container((config) => {
      tracing(config)
      config.process.args = ['/bin/true']
      setNamespace(config, 'pid', pidNamespace)
      for (const change of changes) change(config)
    })
    const isCaught = (): boolean => target.output.stdout.includes('caught')
    for (let round = 0; round < rounds || (round < mostRounds && !isCaught()); round++) t.equal(joining.run().status, 0)
    hasNoMore(t, seenBy(target), { rootfs: joining.bundle.rootfs, uid })
  }
  attackTest(title, body, { needs: ['proc-of-others'] })
}

/** Starts a tracer in a container that is only created, and has it seize init until that runs. */
async function seizeCreated(scope: Scope, ...changes: readonly Change[]): Promise<[Seized, Container]> {
  const container = scope.container((config) => {
    tracing(config)
    config.process.args = ['/bin/true']
    for (const change of changes) change(config)
  })
  copyFileSync(tool('seize'), join(container.bundle.rootfs, 'seize'))
  const { status, stderr } = container.create()
  if (status !== 0) throw new Error(`the container is not created: ${stderr}`)
  const added = scope.runner.spawn(['exec', '--user', '0', container.id, '/seize', '1'])
  scope.defer(() => void added.kill('SIGKILL'))
  const lines = new Lines(added.stdout)
  await lines.next()
  const started = container.start()
  if (started.status !== 0) throw new Error(`the container does not start: ${started.stderr}`)
  return [JSON.parse((await lines.next()) ?? '') as Seized, container]
}

const createdConfigurations: Record<string, { changes: Change[]; uid?: number }> = {
  'a seccomp filter': { changes: [filtered] },
  'a seccomp filter and noNewPrivileges': { changes: [filtered, withoutNewPrivileges] },
  'a seccomp filter and a user': { changes: [filtered, limited, asUser], uid: 1000 },
}

for (const [name, { changes, uid = 0 }] of Object.entries(createdConfigurations)) {
  attackTest(`created with ${name}: init waits with no more rights than the program`, async (t, scope) => {
    const [seen, { bundle }] = await seizeCreated(scope, ...changes)
    t.equal(seen.caught, 1)
    hasNoMore(t, seen, { rootfs: bundle.rootfs, uid })
  })
}

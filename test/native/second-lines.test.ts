/**
 * Second lines of defence in tsrun-init, each with the first one out of the way: a plan that no planner of tsrun makes.
 * The plans are launched from a child that has namespaces of its own.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, readlinkSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { closeFile, launch, reapProcess, receive, sendGo, waitReadable } from '#dist/native/binding.js'
import { encodePlan } from '#dist/plan/encode.js'
import { planEvent, type Step } from '#dist/plan/steps.js'

const self = fileURLToPath(import.meta.url)
const [, , role, folder = ''] = process.argv
const limit = 10_000

/** What is left of a frame: `ended` is one that never came. */
type Outcome = { readonly type: string; readonly errno?: number; readonly syscall?: string; readonly detail?: string }

/** Carries a plan out; at a barrier does `meanwhile`, then says go. */
function outcome(steps: readonly Step[], meanwhile: () => void = () => undefined): Outcome {
  const plan = encodePlan({ steps, preserveFds: 0 } as unknown as Parameters<typeof encodePlan>[0])
  const request = { plan, cloneFlags: 0, cgroupFd: -1, startFd: -1, stdio: [0, 1, 2], preserveFds: 0 } as const
  const { pidfd, sync } = launch({ ...request, targetFd: -1, cpus: '' })
  try {
    for (;;) {
      const frame = waitReadable(sync, limit) ? receive(sync, { wait: false }) : undefined
      if (frame?.type !== 'event') {
        closeFile(sync)
        const { type = 'ended', errno, syscall, detail } = frame ?? {}
        return JSON.parse(JSON.stringify({ type, errno, syscall, detail })) as Outcome
      }
      meanwhile()
      sendGo(sync)
    }
  } finally {
    if (waitReadable(pidfd, limit)) reapProcess(pidfd)
    closeFile(pidfd)
  }
}

const mount = (...args: string[]): void => {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}

const roles: Readonly<Record<string, () => Outcome>> = {
  // Without a pid namespace of its own a user namespace gets no new procfs (EPERM), and /proc is the image's.
  'false procfs': () => {
    mount('--bind', join(folder, 'proc'), '/proc')
    return outcome([{ op: 'sysctl', key: 'kernel/shm_rmid_forced', value: 'written' }])
  },
  // The directory that it has entered is moved out of the root, and the new one at its place lets only root in.
  'directory outside': () => {
    const inside = join(folder, 'root/work')
    return outcome(
      [
        { op: 'rootfs', path: join(folder, 'root'), attach: false, alone: false, parentSource: 0 },
        { op: 'chroot' },
        { op: 'workingDirectory', path: '/work', create: false },
        { op: 'barrier', event: planEvent.created, wait: true, open: false },
        { op: 'user', uid: 1000, gid: 1000, groups: [], setGroups: true, keepCapabilities: false },
        { op: 'program', args: ['/nothing'], env: [], cwd: '/work', home: false, uid: 1000 },
      ],
      () => {
        renameSync(inside, join(folder, 'outside'))
        mkdirSync(inside, { mode: 0o700 })
      },
    )
  },
}

function play(name: string, folder: string, ...namespaces: string[]): Outcome {
  const args = [...namespaces, '--mount', '--propagation', 'private', '--', process.execPath, self, name, folder]
  const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8', timeout: 60_000 })
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as Outcome
}

const EPERM = 1
const skip = process.getuid?.() === 0 ? false : 'needs root'

if (role !== undefined && role in roles) {
  console.log(JSON.stringify(roles[role]?.()))
} else {
  t.test('only a procfs is taken for the procfs that init writes to (CVE-2025-52881)', { skip }, async (t: Test) => {
    const folder = t.testdir({ proc: { sys: { kernel: { shm_rmid_forced: 'as it was' } } } })
    const found = play('false procfs', folder, '--user', '--map-root-user')
    t.equal(readFileSync(join(folder, 'proc/sys/kernel/shm_rmid_forced'), 'utf8'), 'as it was')
    t.match(found, { type: 'failure', errno: EPERM, syscall: 'fsopen' })
  })

  t.test('a working directory outside the root is noticed by its name (CVE-2024-21626)', { skip }, async (t: Test) => {
    const folder = t.testdir({ root: { work: {} } })
    t.match(play('directory outside', folder), {
      type: 'failure',
      errno: EPERM,
      syscall: 'getcwd',
      detail: /outside the container's root/,
    })
  })

  t.test(
    'the image of tsrun-init is sealed: also who has its descriptor cannot write to it (CVE-2019-5736)',
    async (t) => {
      t.equal(outcome([]).type, 'failure', 'it has run')
      const images = readdirSync('/proc/self/fd').filter((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`).startsWith('/memfd:tsrun-init')
        } catch {
          return false // the descriptor of the listing itself
        }
      })
      t.equal(images.length, 1)
      const file = openSync(`/proc/self/fd/${images[0]}`, 'r+')
      t.teardown(() => closeSync(file))
      t.throws(() => writeSync(file, 'x'), { code: 'EPERM' })
    },
  )
}

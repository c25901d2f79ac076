/** linux.mountLabel: the option reaches the kernel, by fsconfig(2) and by mount(2). Without SELinux it knows none such. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { closeFile, launch, reapProcess, receive, waitReadable } from '#dist/native/binding.js'
import { encodePlan } from '#dist/plan/encode.js'
import { legacyMountFlag, propagationBit } from '#dist/config/vocabulary/mounts.js'
import { cloneFlag } from '#dist/config/vocabulary/namespaces.js'
import type { Step, StepOf } from '#dist/plan/steps.js'

const attributes = { attrSet: 0, attrClear: 0, recursiveSet: 0, recursiveClear: 0, propagation: [] }

const tmpfs = (members: Partial<StepOf<'mountFilesystem'>>): Step => ({
  op: 'mountFilesystem',
  ...{ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['size=64k'], ...attributes },
  ...{ legacyFlags: 0, copyUp: false, label: '', parentSource: 0, idMapped: false, ...members },
})

/** How a plan fails that has nothing to execute at its end. */
const mounted = { syscall: 'exec', errno: 0 }

/** What init says of a mount in a rootfs of its own. */
function complaint(mount: Step): { syscall: string; errno: number } | undefined {
  const rootfs = mkdtempSync(join(tmpdir(), 'tsrun-label-'))
  const steps: Step[] = [
    { op: 'propagation', target: '/', flags: propagationBit.private, recursive: true },
    { op: 'rootfs', path: rootfs, attach: true, alone: false, parentSource: 0 },
    mount,
  ]
  const plan = encodePlan({ steps, preserveFds: 0 } as unknown as Parameters<typeof encodePlan>[0])
  const request = { cloneFlags: cloneFlag.mount, cgroupFd: -1, startFd: -1, stdio: [0, 1, 2], preserveFds: 0 } as const
  const { pidfd, sync } = launch({ ...request, plan, targetFd: -1, cpus: '' })
  try {
    const frame = receive(sync, { wait: true })
    return frame?.type === 'failure' ? { syscall: frame.syscall, errno: frame.errno } : undefined
  } finally {
    waitReadable(pidfd, -1)
    reapProcess(pidfd)
    closeFile(sync)
    closeFile(pidfd)
    rmSync(rootfs, { recursive: true })
  }
}

const EINVAL = 22
const label = 'context=system_u:object_r:container_file_t:s0:c1,c2'
const skip =
  process.getuid?.() !== 0 ? 'needs root' : existsSync('/sys/fs/selinux/enforce') && 'needs a kernel without SELinux'

t.test('a mount label reaches the kernel whichever way the mount is made', { skip }, async (t) => {
  t.strictSame(complaint(tmpfs({})), mounted)
  t.strictSame(complaint(tmpfs({ label })), { syscall: 'fsconfig', errno: EINVAL })
  const legacyFlags = legacyMountFlag.silent
  t.strictSame(complaint(tmpfs({ legacyFlags })), mounted)
  t.strictSame(complaint(tmpfs({ legacyFlags, label })), { syscall: 'mount', errno: EINVAL })
})

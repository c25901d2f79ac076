import { check, type Json, linux } from '../support.js'

const filter = (members: Json) => linux({ seccomp: { defaultAction: 'SCMP_ACT_ALLOW', ...members } })
const notify = (...names: string[]) => ({ syscalls: [{ names, action: 'SCMP_ACT_NOTIFY' }] })

check('notifications have a listener, and leave out what init needs to hand it over', {
  accepted: [
    filter({ ...notify('mkdir', 'execve', 'read', 'close'), listenerPath: '/agent.sock', listenerMetadata: 'a' }),
    // config-linux.md: "If the SCMP_ACT_NOTIFY action is not used this value is ignored"
    filter({ listenerPath: '/agent.sock', listenerMetadata: 'a' }),
  ],
  refused: [
    [filter(notify('mkdir')), '/linux/seccomp/listenerPath: is missing: SCMP_ACT_NOTIFY needs it'],
    [
      filter({ ...notify('mkdir'), listenerPath: '' }),
      '/linux/seccomp/listenerPath: is missing: SCMP_ACT_NOTIFY needs it',
    ],
    [
      filter({ ...notify('mkdir', 'write'), listenerPath: '/a' }),
      '/linux/seccomp/syscalls/0/action: SCMP_ACT_NOTIFY cannot be used for the write syscall',
    ],
    [
      filter({ defaultAction: 'SCMP_ACT_NOTIFY', listenerPath: '/a' }),
      '/linux/seccomp/defaultAction: SCMP_ACT_NOTIFY cannot be used as default action',
    ],
    [filter({ listenerMetadata: 'a' }), '/linux/seccomp/listenerMetadata: must not be set without listenerPath'],
  ],
})

check('an errno is given to actions that return one', {
  accepted: [
    filter({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38 }),
    filter({ syscalls: [{ names: ['a'], action: 'SCMP_ACT_TRACE', errnoRet: 1 }] }),
    filter({ syscalls: [{ names: ['a'], action: 'SCMP_ACT_ALLOW', errnoRet: null, args: null }] }),
  ],
  refused: [
    [
      filter({ defaultErrnoRet: 1, syscalls: [{ names: ['a'], action: 'SCMP_ACT_KILL', errnoRet: 1 }] }),
      '/linux/seccomp/defaultErrnoRet: SCMP_ACT_ALLOW does not take an errno',
      '/linux/seccomp/syscalls/0/errnoRet: SCMP_ACT_KILL does not take an errno',
    ],
  ],
})

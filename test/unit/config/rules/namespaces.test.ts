import { check, config, type Json, linux } from '../support.js'

const withNamespaces = (...namespaces: Json[]) => config({ linux: { namespaces } })

check('a namespace type is given once', {
  accepted: [withNamespaces({ type: 'pid' }, { type: 'ipc' })],
  refused: [
    [
      withNamespaces({ type: 'pid' }, { type: 'ipc' }, { type: 'pid', path: '/a' }),
      '/linux/namespaces/2/type: is the same namespace type as /linux/namespaces/0',
    ],
  ],
})

check('a namespace path is absolute', {
  accepted: [withNamespaces({ type: 'pid', path: '/proc/1/ns/pid,x' })],
  refused: [
    [
      withNamespaces({ type: 'pid', path: 'proc/1/ns/pid' }),
      '/linux/namespaces/0/path: must be an absolute path, found "proc/1/ns/pid"',
    ],
  ],
})

check('names are set in a uts namespace', {
  accepted: [
    { ...withNamespaces({ type: 'uts' }), hostname: 'a', domainname: 'b' },
    { ...withNamespaces({ type: 'uts', path: '/a' }), hostname: 'a' },
    config({ hostname: '' }),
  ],
  refused: [
    [
      { ...withNamespaces({ type: 'pid' }), hostname: 'a', domainname: 'b' },
      '/hostname: unable to set hostname without a private UTS namespace',
      '/domainname: unable to set domainname without a private UTS namespace',
    ],
    [config({ hostname: 'a' }), '/hostname: unable to set hostname without a private UTS namespace'],
  ],
})

check('mounts are changed in a mount namespace', {
  accepted: [
    config({ mounts: [], linux: { maskedPaths: [], readonlyPaths: [] }, root: { path: 'a', readonly: false } }),
    config({ linux: { namespaces: [{ type: 'mount', path: '/a' }], maskedPaths: ['/a'] } }),
  ],
  refused: [
    [
      config({
        mounts: [{ destination: '/a', type: 'tmpfs' }],
        root: { path: 'a', readonly: true },
        linux: { maskedPaths: ['/a'], readonlyPaths: ['/a'], rootfsPropagation: 'slave' },
      }),
      '/mounts: needs a mount namespace',
      '/root/readonly: needs a mount namespace',
      '/linux/maskedPaths: needs a mount namespace',
      '/linux/readonlyPaths: needs a mount namespace',
      '/linux/rootfsPropagation: needs a mount namespace',
    ],
  ],
})

const ids = [{ containerID: 0, hostID: 1000, size: 1 }]

check('ids are mapped in a user namespace', {
  accepted: [
    withNamespaces({ type: 'user', path: '/a' }),
    config({ linux: { uidMappings: [], gidMappings: [] } }),
    config({ linux: { namespaces: [{ type: 'user' }], uidMappings: ids, gidMappings: ids } }),
  ],
  refused: [
    [
      config({ linux: { uidMappings: ids, gidMappings: ids } }),
      '/linux/uidMappings: needs a user namespace',
      '/linux/gidMappings: needs a user namespace',
    ],
    [
      withNamespaces({ type: 'user' }),
      '/linux/uidMappings: is missing: a new user namespace needs it',
      '/linux/gidMappings: is missing: a new user namespace needs it',
    ],
  ],
})

const timeOffsets = { monotonic: { secs: -1 }, boottime: { secs: 1, nanosecs: 999_999_999 } }

check('time offsets are for a new time namespace', {
  accepted: [config({ linux: { namespaces: [{ type: 'time' }], timeOffsets } }), linux({ timeOffsets: {} })],
  refused: [
    [linux({ timeOffsets }), '/linux/timeOffsets: needs a time namespace'],
    [
      config({ linux: { namespaces: [{ type: 'time', path: '/a' }], timeOffsets } }),
      '/linux/timeOffsets: needs a new time namespace, not one joined by path',
    ],
  ],
})

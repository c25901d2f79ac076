import t from 'tap'
import { parseConfig } from '#dist/config/load.js'
import { check, type Json, linux } from '../support.js'

const withMount = (mount: Json) => linux({}, { mounts: [mount] })

check('a mount is below the root, or becomes it', {
  accepted: [
    ...['relative', '/a/', '/', '//', '/.', '/a/..', '..', '.'].map((destination) =>
      withMount({ destination, type: 'tmpfs' }),
    ),
    withMount({ destination: '/', type: 'none', source: '/srv', options: ['rbind'] }),
  ],
  refused: [
    [withMount({ destination: '', type: 'tmpfs' }), '/mounts/0/destination: must not be empty'],
    ...['/', '//', '/.', '/a/..', '..', '.'].map(
      (destination) =>
        [
          withMount({ destination, type: 'sysfs' }),
          '/mounts/0/destination: sysfs must not be the root of the container',
        ] as const,
    ),
  ],
})

void t.test('destinations are absolute and clean once loaded', async (t) => {
  const clean = async (destination: string) =>
    (await parseConfig(withMount({ destination, type: 'tmpfs' }))).mounts?.[0]?.destination
  t.equal(await clean('a'), '/a')
  t.equal(await clean('../../a'), '/a')
  t.equal(await clean('//a/./b/../c/'), '/a/c')
  t.equal(await clean('/a/..b'), '/a/..b')
})

const insideProc = (destination: string) =>
  [
    withMount({ destination, type: 'tmpfs' }),
    `/mounts/0/destination: ${JSON.stringify(destination)} is inside /proc`,
  ] as const

check('/proc stays a procfs', {
  accepted: [
    withMount({ destination: '/proc', type: 'proc', source: 'proc' }),
    withMount({ destination: '/proc', type: 'none', source: '/proc', options: ['rbind'] }),
    withMount({ destination: '/proc/cpuinfo', source: '/var/lib/lxcfs/proc/cpuinfo', options: ['bind'] }),
    withMount({ destination: '/proc/sys/kernel/ns_last_pid', source: '/a', options: ['bind'] }),
    withMount({ destination: '/process', type: 'tmpfs' }),
    withMount({ destination: '/a/proc/sys', type: 'tmpfs' }),
  ],
  refused: [
    [
      withMount({ destination: '/proc', type: 'tmpfs' }),
      '/mounts/0/type: must be proc, or the mount a bind of a procfs, at /proc',
    ],
    [
      withMount({ destination: 'a/../proc/', type: 'tmpfs' }),
      '/mounts/0/type: must be proc, or the mount a bind of a procfs, at /proc',
    ],
    insideProc('/proc/sys'),
    insideProc('/proc/self/attr/exec'),
    insideProc('/proc/cpuinfo/a'),
    [
      withMount({ destination: '/a/../proc/sysrq-trigger', source: '/a', options: ['bind'] }),
      '/mounts/0/destination: "/proc/sysrq-trigger" is inside /proc',
    ],
  ],
})

check('a mount has a type, unless it is a bind mount, which has a source', {
  accepted: [
    withMount({ destination: '/a', source: '/b', options: ['bind'] }),
    withMount({ destination: '/a', source: 'b', type: 'none', options: ['ro', 'rbind'] }),
    withMount({ destination: '/a', source: '/b', type: 'bind' }),
    withMount({ destination: '/a', options: ['remount', 'ro'] }),
    withMount({ destination: '/a', options: ['remount', 'bind', 'ro'] }),
  ],
  refused: [
    [withMount({ destination: '/a', source: '/b' }), '/mounts/0/type: is missing'],
    [withMount({ destination: '/a', options: ['rbind'] }), '/mounts/0/source: is missing'],
    [withMount({ destination: '/a', type: 'bind' }), '/mounts/0/source: is missing'],
  ],
})

check('only file systems have options of their own', {
  accepted: [
    withMount({ destination: '/a', type: 'tmpfs', options: ['size=1m', 'tmpcopyup', 'nosuid'] }),
    withMount({ destination: '/a', source: '/b', options: ['rbind', 'rro', 'rprivate', 'nosymfollow', 'defaults'] }),
  ],
  refused: [
    [
      withMount({ destination: '/a', source: '/b', options: ['size=1m', 'bind', 'Ro'] }),
      '/mounts/0/options/0: "size=1m" is not an option of bind mounts, they cannot have file system specific options',
      '/mounts/0/options/2: "Ro" is not an option of bind mounts, they cannot have file system specific options',
    ],
  ],
})

import t from 'tap'
import { mountAttr, mountOptionNames } from '#dist/config/vocabulary/mounts.js'
import { type MountOptions, parseMountOptions } from '#dist/plan/mount-options.js'

const { rdonly, nosuid, nodev, noexec, noatime, strictatime, atime, nodiratime, nosymfollow } = mountAttr

/** Without any options nothing is to change. */
const nothing: MountOptions = parseMountOptions([])

/** Options that are attributes of one mount, with the bits they set and clear. */
const attributes: Readonly<Record<string, readonly [set: number, clear: number]>> = {
  ro: [rdonly, 0],
  rw: [0, rdonly],
  nosuid: [nosuid, 0],
  suid: [0, nosuid],
  nodev: [nodev, 0],
  dev: [0, nodev],
  noexec: [noexec, 0],
  exec: [0, noexec],
  nodiratime: [nodiratime, 0],
  diratime: [0, nodiratime],
  nosymfollow: [nosymfollow, 0],
  symfollow: [0, nosymfollow],
  noatime: [noatime, atime],
  atime: [0, atime],
  relatime: [0, atime],
  norelatime: [0, atime],
  strictatime: [strictatime, atime],
  nostrictatime: [0, atime],
}

const recursive = 16384
const propagations = { unbindable: 131072, private: 262144, slave: 524288, shared: 1048576 }

/** What each other option changes. */
const others: Readonly<Record<string, Partial<MountOptions>>> = {
  defaults: {},
  bind: { bind: 'bind' },
  rbind: { bind: 'rbind' },
  remount: { remount: true },
  tmpcopyup: { copyUp: true },
  sync: { flags: ['sync'] },
  async: { flags: ['async'] },
  dirsync: { flags: ['dirsync'] },
  lazytime: { flags: ['lazytime'] },
  nolazytime: { flags: ['nolazytime'] },
  mand: { flags: ['mand'] },
  nomand: { flags: ['nomand'] },
  rsync: { flags: ['sync'] },
  rasync: { flags: ['async'] },
  rdirsync: { flags: ['dirsync'] },
  rmand: { flags: ['mand'] },
  rnomand: { flags: ['nomand'] },
  'src-nofollow': { links: { source: true, destination: false, copy: false } },
  'dest-nofollow': { links: { source: false, destination: true, copy: false } },
  'copy-symlink': { links: { source: false, destination: false, copy: true } },
  silent: { legacyFlags: 32768 },
  loud: {},
  iversion: { legacyFlags: 8388608 },
  noiversion: {},
}

t.test('the attribute bits are those of linux/mount.h', (t) => {
  t.strictSame(mountAttr, {
    rdonly: 1,
    nosuid: 2,
    nodev: 4,
    noexec: 8,
    noatime: 16,
    strictatime: 32,
    atime: 0x70,
    nodiratime: 0x80,
    nosymfollow: 0x200000,
  })
  t.end()
})

for (const [name, [set, clear]] of Object.entries(attributes)) {
  t.strictSame(parseMountOptions([name]), { ...nothing, attributes: { set, clear } }, name)
  t.strictSame(parseMountOptions([`r${name}`]), { ...nothing, recursive: { set, clear } }, `r${name}`)
}
for (const [name, change] of Object.entries(others)) {
  t.strictSame(parseMountOptions([name]), { ...nothing, ...change }, name)
}
for (const [name, bit] of Object.entries(propagations)) {
  t.strictSame(parseMountOptions([name]), { ...nothing, propagation: [bit] }, name)
  t.strictSame(parseMountOptions([`r${name}`]), { ...nothing, propagation: [bit | recursive] }, `r${name}`)
}

t.test('no option of the spec is taken for data, and none is missing above', (t) => {
  const idMapped = ['idmap', 'ridmap']
  const tested = [
    ...Object.keys(attributes).flatMap((name) => [name, `r${name}`]),
    ...Object.keys(others),
    ...Object.keys(propagations).flatMap((name) => [name, `r${name}`]),
  ]
  t.strictSame(mountOptionNames().toSorted(), [...tested, ...idMapped].sort())
  for (const name of mountOptionNames()) t.strictSame(parseMountOptions([name]).data, [], name)
  t.end()
})

t.test('the later of two options wins', (t) => {
  const changes = (...options: string[]) => parseMountOptions(options).attributes
  t.strictSame(changes('ro', 'rw'), { set: 0, clear: rdonly })
  t.strictSame(changes('rw', 'ro'), { set: rdonly, clear: 0 })
  t.strictSame(changes('noatime', 'strictatime'), { set: strictatime, clear: atime })
  t.strictSame(changes('noatime', 'atime'), { set: 0, clear: atime })
  t.strictSame(parseMountOptions(['silent', 'iversion', 'loud']).legacyFlags, 8388608)
  t.strictSame(parseMountOptions(['rshared', 'slave']).propagation, [1048576 | recursive, 524288])
  t.end()
})

t.test('taking back an access time that was not given changes no other one', (t) => {
  t.strictSame(parseMountOptions(['noatime', 'nostrictatime']).attributes, { set: noatime, clear: atime })
  t.strictSame(parseMountOptions(['strictatime', 'atime', 'norelatime']).attributes, { set: strictatime, clear: atime })
  t.end()
})

t.test('the rest is data, and words of Object.prototype are nothing special', (t) => {
  const words = ['size=64k', 'mode=755', 'constructor', 'rtoString', 'Ro', 'r']
  t.strictSame(parseMountOptions(words), { ...nothing, data: words })
  t.strictSame(parseMountOptions(['a=1,b=2']).data, ['a=1', 'b=2'])
  const whole = ['context="u:r:t:s0:c1,c2"', 'lowerdir=/a\\,b']
  t.strictSame(parseMountOptions(whole).data, whole)
  t.end()
})

/** config.json: mounts[].options: every option of the table in config.md "Linux mount options". */
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestMount } from '../helpers/config.js'
import { mountAt, tried } from '../helpers/probe.js'
import { tool } from '../helpers/tools.js'
import { test } from '../helpers/test.js'

const tmpfs = (destination: string, options: string[]): TestMount => ({
  destination,
  type: 'tmpfs',
  source: 'tmpfs',
  options,
})

/** The words of mountinfo that options are about. */
const words = [
  ...['ro', 'nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime', 'relatime', 'nosymfollow'],
  ...['sync', 'dirsync', 'lazytime'],
]

/** Options of a tmpfs, and which of the words are then in its line of mountinfo. relatime is the kernel's default. */
const table: readonly [options: string, seen: string][] = [
  ['ro', 'ro relatime'],
  ['rw', 'relatime'],
  ['nosuid', 'nosuid relatime'],
  ['suid', 'relatime'],
  ['nodev', 'nodev relatime'],
  ['dev', 'relatime'],
  ['noexec', 'noexec relatime'],
  ['exec', 'relatime'],
  ['nosymfollow', 'relatime nosymfollow'],
  ['symfollow', 'relatime'],
  ['noatime', 'noatime'],
  ['atime', 'relatime'],
  ['nodiratime', 'nodiratime relatime'],
  ['diratime', 'relatime'],
  ['relatime', 'relatime'],
  ['norelatime', 'relatime'],
  ['strictatime', ''],
  ['nostrictatime', 'relatime'],
  ['sync', 'relatime sync'],
  ['async', 'relatime'],
  ['dirsync', 'relatime dirsync'],
  ['lazytime', 'relatime lazytime'],
  ['nolazytime', 'relatime'],
  // Without a trace in mountinfo on today's kernels.
  ['mand', 'relatime'],
  ['nomand', 'relatime'],
  ['silent', 'relatime'],
  ['loud', 'relatime'],
  ['iversion', 'relatime'],
  ['noiversion', 'relatime'],
  ['ro,rw', 'relatime'],
  ['rw,ro', 'ro relatime'],
  ['nosuid,nodev,suid', 'nodev relatime'],
  ['nosuid,nodev,noexec,ro,noatime,nodiratime', 'ro nosuid nodev noexec noatime nodiratime'],
]

test('each option of a file system mount has its effect in mountinfo', (t, scope) => {
  const report = scope.probe((config) => {
    config.mounts.push(...table.map(([options], index) => tmpfs(`/m${index}`, options.split(','))))
  })
  table.forEach(([options, seen], index) => {
    const mount = mountAt(report, `/m${index}`)
    const found = words.filter((word) => mount.options.includes(word) || mount.superOptions.includes(word))
    t.equal(found.join(' '), seen, options)
  })
})

test('the option defaults changes nothing', (t, scope) => {
  const report = scope.probe((config) => config.mounts.push(tmpfs('/data', ['defaults'])))
  t.same(
    words.filter((word) => mountAt(report, '/data').options.includes(word)),
    ['relatime'],
  )
})

test('of two access time options that contradict each other the later one counts', (t, scope) => {
  const report = scope.probe((config) => {
    const pairs = [
      ['noatime', 'strictatime'],
      ['noatime', 'relatime'],
      ['strictatime', 'noatime'],
    ]
    config.mounts.push(...pairs.map((options, index) => tmpfs(`/m${index}`, options)))
  })
  const found = [0, 1, 2].map((index) => words.filter((word) => mountAt(report, `/m${index}`).options.includes(word)))
  t.same(found, [[], ['relatime'], ['noatime']])
})

/** Options that a bind mount changes, and what its source shows without them: a tmpfs with relatime. */
const bindTable = table.filter(([options]) => !/sync|lazytime|mand|silent|loud|iversion/.test(options))

test('each option of a bind mount has its effect in mountinfo, and none on the source', (t, scope) => {
  const source = scope.mountTmpfs('source')
  const report = scope.probe((config) => {
    config.mounts.push(
      ...bindTable.map(([options], index) => ({
        ...{ destination: `/m${index}`, type: 'bind', source },
        options: ['rbind', ...options.split(',')],
      })),
      { destination: '/source', type: 'bind', source, options: ['rbind'] },
    )
  })
  const seenAt = (point: string) => words.filter((word) => mountAt(report, point).options.includes(word)).join(' ')
  bindTable.forEach(([options, seen], index) => t.equal(seenAt(`/m${index}`), seen, options))
  t.equal(seenAt('/source'), 'relatime')
})

test('a bind mount keeps the options of its source that the config doesn’t name', (t, scope) => {
  const source = scope.mountTmpfs('source', 'nosuid', 'noexec', 'noatime')
  const report = scope.probe((config) => {
    config.mounts.push(
      { destination: '/same', type: 'bind', source, options: ['bind'] },
      { destination: '/more', type: 'bind', source, options: ['bind', 'ro', 'nodev'] },
    )
  })
  const seenAt = (point: string) => words.filter((word) => mountAt(report, point).options.includes(word)).join(' ')
  t.equal(seenAt('/same'), 'nosuid noexec noatime')
  t.equal(seenAt('/more'), 'ro nosuid nodev noexec noatime')
})

test('a bind mount can take an option of its source back', (t, scope) => {
  const source = scope.mountTmpfs('source', 'nosuid', 'noexec', 'nodev', 'ro')
  const report = scope.probe((config) => {
    config.mounts.push({ destination: '/free', type: 'bind', source, options: ['bind', 'suid', 'exec', 'dev', 'rw'] })
  })
  const { options } = mountAt(report, '/free')
  t.same(
    words.filter((word) => options.includes(word)),
    ['relatime'],
  )
})

test('the options do what they are named for', (t, scope) => {
  const source = scope.path('source')
  mkdirSync(source)
  copyFileSync(tool('probe'), join(source, 'setuid'))
  chmodSync(join(source, 'setuid'), 0o4755)
  writeFileSync(join(source, 'file'), 'text')
  scope.runner.runProgram('ln', ['-s', 'file', join(source, 'link')])
  scope.runner.runProgram('mknod', [join(source, 'null'), 'c', '1', '3'])
  const restricted = ['nosuid', 'nodev', 'noexec', 'nosymfollow', 'ro']
  const report = scope.probe(
    (config) => {
      for (const option of ['rw', ...restricted]) {
        config.mounts.push({ destination: `/${option}`, type: 'bind', source, options: ['bind', option] })
      }
    },
    ...['rw', ...restricted].flatMap((option) => [
      `run /${option}/setuid`,
      `open /${option}/null`,
      `read /${option}/link`,
      `open /${option}/file w`,
    ]),
  )
  const error = (words: string) => tried(report, words).error
  t.equal(tried(report, 'run /rw/setuid').status, 0)
  t.equal(tried(report, 'run /noexec/setuid').status, 126)
  t.same([error('open /rw/null'), error('open /nodev/null')], ['', 'EACCES'])
  t.same([error('read /rw/link'), error('read /nosymfollow/link')], ['', 'ELOOP'])
  t.same([error('open /rw/file w'), error('open /ro/file w')], ['', 'EROFS'])
})

test('options of a file system reach it', (t, scope) => {
  const report = scope.probe(
    (config) => {
      config.mounts.push(
        tmpfs('/small', ['size=8k', 'nr_inodes=5', 'uid=7', 'gid=8', 'mode=700']),
        tmpfs('/joined', ['size=12k,mode=711']),
      )
    },
    'stat /small',
    `write /small/file ${'x'.repeat(10000)}`,
    'stat /joined',
  )
  t.match(tried(report, 'stat /small'), { uid: 7, gid: 8, mode: 0o700 })
  t.equal(tried(report, `write /small/file ${'x'.repeat(10000)}`).result, 8192)
  t.ok(mountAt(report, '/small').superOptions.includes('nr_inodes=5'))
  t.ok(mountAt(report, '/joined').superOptions.includes('size=12k'))
})

test('an option that the file system doesn’t know is an error that names it', (t, scope) => {
  const container = scope.container((config) => {
    config.mounts.push(tmpfs('/data', ['nosuchoption=1']))
  })
  const { status, stderr } = container.run()
  t.equal(status, 1)
  t.match(stderr, /nosuchoption/)
  t.same(scope.leftovers(), [])
})

test('options of a file system on a bind mount are an error, not ignored', (t, scope) => {
  const container = scope.container((config) => {
    config.mounts.push({ destination: '/data', type: 'bind', source: '/tmp', options: ['bind', 'size=1k'] })
  })
  const { status, stderr } = container.run()
  t.equal(status, 1)
  t.match(stderr, /bind mounts? cannot have|filesystem-specific options|file system specific options/)
})

test('remount changes the options of what is mounted', (t, scope) => {
  const report = scope.probe((config) => {
    config.mounts.push(tmpfs('/data', ['nosuid']), tmpfs('/data', ['remount', 'ro', 'nodev', 'nosuid']))
  }, 'write /data/x x')
  const { options } = mountAt(report, '/data')
  t.same(
    words.filter((word) => options.includes(word)),
    ['ro', 'nosuid', 'nodev', 'relatime'],
  )
  t.equal(tried(report, 'write /data/x x').error, 'EROFS')
})

test('a read-only /dev has its devices, and nothing can be made in it', (t, scope) => {
  const report = scope.probe(
    (config) => {
      const dev = config.mounts.find(({ destination }) => destination === '/dev')
      dev?.options?.push('ro')
      config.mounts.push(tmpfs('/dev/shm', []))
    },
    'write /dev/null x',
    'write /dev/new x',
    'write /dev/shm/new x',
    'stat /dev/full',
  )
  t.equal(tried(report, 'write /dev/null x').error, '')
  t.equal(tried(report, 'stat /dev/full').type, 'char')
  t.equal(tried(report, 'write /dev/new x').error, 'EROFS')
  t.equal(tried(report, 'write /dev/shm/new x').error, '')
})

/** config.json: linux.devices, and the devices and links that every container has. */
import { mkdirSync } from 'node:fs'
import { tried } from '../helpers/probe.js'
import { test } from '../helpers/test.js'

const defaults = { null: 3, zero: 5, full: 7, random: 8, urandom: 9 }

test('the default devices are there, and everybody may use them', (t, scope) => {
  const report = scope.probe(
    (config) => {
      config.process.user = { uid: 1000, gid: 1000 }
    },
    ...[...Object.keys(defaults), 'tty'].flatMap((name) => [`stat /dev/${name}`, `open /dev/${name} rw`]),
  )
  for (const [name, minor] of Object.entries(defaults)) {
    t.match(tried(report, `stat /dev/${name}`), { type: 'char', mode: 0o666, uid: 0, gid: 0, major: 1, minor }, name)
    t.equal(tried(report, `open /dev/${name} rw`).error, '', name)
  }
  t.match(tried(report, 'stat /dev/tty'), { type: 'char', mode: 0o666, major: 5, minor: 0 })
})

test('the links of runtime-linux.md are there', (t, scope) => {
  const links = {
    fd: '/proc/self/fd',
    stdin: '/proc/self/fd/0',
    stdout: '/proc/self/fd/1',
    stderr: '/proc/self/fd/2',
    ptmx: 'pts/ptmx',
  }
  const report = scope.probe(undefined, ...Object.keys(links).map((name) => `link /dev/${name}`))
  for (const [name, target] of Object.entries(links)) t.equal(tried(report, `link /dev/${name}`).text, target, name)
})

test('/dev/core is a link to /proc/kcore where the kernel has that', (t, scope) => {
  const report = scope.probe(undefined, 'link /dev/core', 'stat /proc/kcore')
  if (tried(report, 'stat /proc/kcore').error === '') t.equal(tried(report, 'link /dev/core').text, '/proc/kcore')
  t.pass()
})

test('devices of the config have their type, numbers, mode and owner', (t, scope) => {
  const report = scope.probe(
    (config) => {
      config.linux.devices = [
        { type: 'c', path: '/dev/char', major: 1, minor: 3, fileMode: 0o640, uid: 5, gid: 6 },
        { type: 'u', path: '/dev/unbuffered', major: 1, minor: 5 },
        { type: 'b', path: '/dev/block', major: 7, minor: 0, fileMode: 0o600 },
        { type: 'p', path: '/dev/pipe', fileMode: 0o622 },
        { type: 'c', path: '/dev/new/below/it', major: 1, minor: 7 },
        { type: 'c', path: '/elsewhere', major: 1, minor: 3 },
        { type: 'c', path: '/dev/zero', major: 1, minor: 5, fileMode: 0o600 },
      ]
    },
    ...['char', 'unbuffered', 'block', 'pipe', 'new/below/it', 'zero'].map((name) => `stat /dev/${name}`),
    'stat /elsewhere',
  )
  const at = (name: string) => tried(report, `stat ${name}`)
  t.match(at('/dev/char'), { type: 'char', major: 1, minor: 3, mode: 0o640, uid: 5, gid: 6 })
  t.match(at('/dev/unbuffered'), { type: 'char', major: 1, minor: 5, mode: 0o666, uid: 0, gid: 0 })
  t.match(at('/dev/block'), { type: 'block', major: 7, minor: 0, mode: 0o600 })
  t.match(at('/dev/pipe'), { type: 'fifo', mode: 0o622 })
  t.match(at('/dev/new/below/it'), { type: 'char', major: 1, minor: 7 })
  t.match(at('/elsewhere'), { type: 'char', major: 1, minor: 3 })
  t.match(at('/dev/zero'), { mode: 0o600 }, 'it replaces the default one')
})

test('a /dev that is a bind mount is left as it is', (t, scope) => {
  mkdirSync(scope.path('dev'))
  scope.runner.runProgram('mknod', [scope.path('dev/null'), 'c', '1', '3'])
  const report = scope.probe((config) => {
    config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'))
    config.mounts.push({ destination: '/dev', type: 'bind', source: scope.path('dev'), options: ['bind'] })
  }, 'list /dev')
  t.same(tried(report, 'list /dev').entries, ['null'])
})

test('a device node of an image on a mount without devices is of no use', (t, scope) => {
  const report = scope.probe(
    (config) => {
      config.mounts.push({ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['nodev'] })
    },
    'mknod /data/null c 1 3',
    'open /data/null rw',
  )
  t.equal(tried(report, 'open /data/null rw').error, 'EACCES')
})

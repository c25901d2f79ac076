import t from 'tap'
import type { Device } from '#dist/config/types.js'
import { planDevices } from '#dist/plan/devices.js'
import { stepsOf } from './support.js'

const char = 0o020000
const devices = (...more: Device[]) => stepsOf(planDevices({ devices: more }), 'device')

t.test('the default devices have the numbers of the kernel', (t) => {
  const node = (path: string, major: number, minor: number) => ({
    op: 'device',
    path,
    type: char,
    major,
    minor,
    mode: 0o666,
    uid: 0,
    gid: 0,
  })
  t.strictSame(devices(), [
    node('/dev/null', 1, 3),
    node('/dev/zero', 1, 5),
    node('/dev/full', 1, 7),
    node('/dev/random', 1, 8),
    node('/dev/urandom', 1, 9),
    node('/dev/tty', 5, 0),
  ])
  t.end()
})

t.test('links follow the devices', (t) => {
  const links = stepsOf(planDevices(undefined), 'symlink').map(({ path, target }) => `${path} ${target}`)
  t.strictSame(links, [
    '/dev/fd /proc/self/fd',
    '/dev/stdin /proc/self/fd/0',
    '/dev/stdout /proc/self/fd/1',
    '/dev/stderr /proc/self/fd/2',
    '/dev/core /proc/kcore',
    '/dev/ptmx pts/ptmx',
  ])
  t.end()
})

t.test('configured devices come after them, with their own mode and owner', (t) => {
  const more = devices(
    { type: 'b', path: '/dev/sda', major: 8, minor: 0, fileMode: 0o60660, uid: 1, gid: 2 },
    { type: 'u', path: '/opt//x/', major: 10, minor: 229 },
    { type: 'p', path: '/dev/pipe', fileMode: 0 },
  ).slice(6)
  t.strictSame(more, [
    { op: 'device', path: '/dev/sda', type: 0o060000, major: 8, minor: 0, mode: 0o660, uid: 1, gid: 2 },
    { op: 'device', path: '/opt/x', type: char, major: 10, minor: 229, mode: 0o666, uid: 0, gid: 0 },
    { op: 'device', path: '/dev/pipe', type: 0o010000, major: 0, minor: 0, mode: 0, uid: 0, gid: 0 },
  ])
  t.end()
})

t.test('a configured device replaces the default one; /dev/ptmx is never made', (t) => {
  const all = devices(
    { type: 'c', path: '/dev/./null', major: 1, minor: 3, fileMode: 0o600 },
    { type: 'c', path: '/dev/ptmx', major: 5, minor: 2 },
  )
  t.equal(all.length, 6)
  t.match(all[0], { path: '/dev/null', mode: 0o600 })
  t.notOk(all.some(({ path }) => path === '/dev/ptmx'))
  t.end()
})

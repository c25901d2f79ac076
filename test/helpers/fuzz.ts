/** Test helper: random documents of a shape, mostly right and sometimes wrong, the same for one seed. */
import type { Node } from '#dist/config/schema/shape.js'

/** A random number from 0 up to, not including, `below`. */
export type Random = (below: number) => number

/** mulberry32: 32 bits of state, the same everywhere. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

/** Texts that mean something somewhere in a config, and some that nobody expects. */
const texts = [
  ...['', '/', '/a', '/proc', '/dev/null', '/dev/pts', '/sys/fs/cgroup', '..', '../..', '/a/../../b', 'rootfs', 'sh'],
  ...['tmpfs', 'proc', 'bind', 'cgroup', 'overlay', 'rbind', 'ro', 'idmap=uids=0-1-2#3-4-5', 'size=1k', 'tmpcopyup'],
  ...['0-3,7', '0', '-1', '1:5', 'max', 'a.slice:b:c', 'eth0', 'net.ipv4.ip_forward', 'kernel.shmmax', 'memory.max'],
  ...[
    'PATH=/bin',
    'HOME=',
    '=',
    'CAP_SYS_ADMIN',
    'NaN',
    'x'.repeat(300),
    'ü',
    '\u{1f600}',
    'a\0b',
    'a\nb',
    '__proto__',
  ],
]

const numbers = [0, 1, -1, 2, 10, 1000, 4095, 65_535, 2 ** 31, 2 ** 32 - 1, 2 ** 53, 2 ** 63, -(2 ** 63), 2 ** 64, 0.5]

/** What is not of the shape. */
const strays: readonly unknown[] = [null, true, 0, -1, 1e308, '', 'stray', [], [null], {}, { a: 1 }, [[[[]]]]]

const pick = <T>(random: Random, list: readonly T[]): T => list[random(list.length)] as T

/** A value of the shape; about one in `wrong` of all parts is something else. */
export function valueOf(shape: Node, random: Random, wrong: number): unknown {
  if (random(wrong) === 0) return pick(random, strays)
  const value = (node: Node): unknown => valueOf(node, random, wrong)
  switch (shape.kind) {
    case 'text':
      return pick(random, texts)
    case 'flag':
      return random(2) === 0
    case 'oneOf':
      return pick(random, shape.names)
    case 'integer':
    case 'wide':
      return random(2) === 0 ? random(100) : pick(random, numbers)
    case 'value':
      return null
    case 'list':
      return Array.from({ length: shape.min + random(4) }, () => value(shape.item))
    case 'map':
      return Object.fromEntries(Array.from({ length: random(4) }, () => [pick(random, texts), value(shape.value)]))
    case 'object':
      return Object.fromEntries(
        Object.entries(shape.members)
          .filter(([name]) => shape.required.includes(name) || random(3) === 0)
          .map(([name, member]) => [name, value(member)]),
      )
  }
}

/** Compiled seccomp filters: kept, never mixed up, and only believed where nobody else can write. */
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Change } from '../helpers/config.js'
import { test } from '../helpers/test.js'

/** A profile that forbids one call, with an errno of its own. */
const forbid =
  (name: string, errnoRet: number): Change =>
  (config) => {
    config.process.args = ['/bin/mkdir', '/tmp/made']
    config.linux.seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: [name], action: 'SCMP_ACT_ERRNO', errnoRet }],
    }
  }

const noSpace = /No space left on device/
const busy = /busy/

test(
  'a filter is compiled once and works the same from the cache',
  (t, scope) => {
    const cache = join(scope.root, '.seccomp')
    t.match(scope.container(forbid('mkdir', 28)).run().stderr, noSpace)
    t.equal(readdirSync(cache).length, 1)
    t.match(scope.container(forbid('mkdir', 28)).run().stderr, noSpace)
    t.equal(readdirSync(cache).length, 1)
    t.match(scope.container(forbid('mkdir', 16)).run().stderr, busy)
    t.equal(readdirSync(cache).length, 2)
  },
  { needs: ['tsrun'] },
)

test(
  'an entry made for another profile is not used, whatever its name',
  (t, scope) => {
    const cache = join(scope.root, '.seccomp')
    scope.container(forbid('mkdir', 28)).run()
    const [first = ''] = readdirSync(cache)
    scope.container(forbid('mkdir', 16)).run()
    const second = readdirSync(cache).find((name) => name !== first) ?? ''
    // As if the two profiles had the same hash.
    writeFileSync(join(cache, second), readFileSync(join(cache, first)))
    t.match(scope.container(forbid('mkdir', 16)).run().stderr, busy)
  },
  { needs: ['tsrun'] },
)

test(
  'a broken entry is compiled again',
  (t, scope) => {
    const cache = join(scope.root, '.seccomp')
    scope.container(forbid('mkdir', 28)).run()
    for (const name of readdirSync(cache)) {
      const entry = readFileSync(join(cache, name))
      writeFileSync(join(cache, name), entry.subarray(0, entry.indexOf(0) + 1))
    }
    t.match(scope.container(forbid('mkdir', 28)).run().stderr, noSpace)
  },
  { needs: ['tsrun'] },
)

test(
  'a cache that others can write to is not believed',
  (t, scope) => {
    const cache = join(scope.root, '.seccomp')
    scope.container(forbid('mkdir', 16)).run()
    const [name = ''] = readdirSync(cache)
    const path = join(cache, name)
    const entry = readFileSync(path)
    // An attacker's filter: everything is allowed (BPF_RET | BPF_K, SECCOMP_RET_ALLOW).
    const allow = Buffer.from([0x06, 0, 0, 0, 0, 0, 0xff, 0x7f])
    writeFileSync(path, Buffer.concat([entry.subarray(0, entry.indexOf(0) + 1), allow]))
    chmodSync(cache, 0o777)
    t.match(scope.container(forbid('mkdir', 16)).run().stderr, busy)
    rmSync(path)
  },
  { needs: ['tsrun'] },
)

test(
  'an entry that has come to harm is compiled again',
  (t, scope) => {
    const cache = join(scope.root, '.seccomp')
    scope.container(forbid('mkdir', 28)).run()
    for (const name of readdirSync(cache)) {
      const entry = readFileSync(join(cache, name))
      entry.fill(0, entry.length - 16)
      writeFileSync(join(cache, name), entry)
    }
    t.match(scope.container(forbid('mkdir', 28)).run().stderr, noSpace)
  },
  { needs: ['tsrun'] },
)

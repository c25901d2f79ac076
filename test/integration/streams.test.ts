/** Standard streams: the container's user can open them again, and a file of the caller stays the caller's. */
import { chownSync, statSync, writeFileSync } from 'node:fs'
import { both } from '../helpers/id-maps.js'
import type { Change } from '../helpers/config.js'
import { exec, running } from '../helpers/exec.js'
import { test } from '../helpers/test.js'

/** The streams under all their names. */
const script = 'echo out > /dev/stdout; echo err > /dev/stderr; echo one > /proc/self/fd/1'

const writes: Change = (config) => {
  config.process.args = ['/bin/sh', '-c', script]
}

const inUserNamespace: Change = (config) => {
  config.linux.namespaces.push({ type: 'user' })
  Object.assign(config.linux, both([0, 100_000, 65_536]))
  // A sysfs takes a network namespace of the same user namespace.
  config.mounts = config.mounts.filter(({ type }) => type !== 'sysfs')
}

/** Each user, with and without a user namespace. */
const users: Record<string, Change> = {
  root: () => undefined,
  'another user': ({ process }) => {
    process.user = { uid: 1000, gid: 1000 }
    process.capabilities = {}
  },
  'root of a user namespace': inUserNamespace,
  'another user of a user namespace': (config) => {
    config.process.user = { uid: 1000, gid: 1000 }
    config.process.capabilities = {}
    inUserNamespace(config)
  },
}

const shown = { status: 0, stdout: 'err\none\nout\n' }

for (const [name, change] of Object.entries(users)) {
  const piped = '("$@" 2>&1 </dev/null; echo "status $?" >&2) 2>&3 | sort 3>&-'

  test(`${name} opens pipes again: run, create and start, run --detach, exec`, (t, scope) => {
    const inPipe = (args: readonly string[]) => {
      const { stdout, stderr } = scope.runner.runInShell(`exec 3>&2; ${piped}`, args)
      return { status: Number(/status (\d+)/.exec(stderr)?.[1]), stdout }
    }
    const make = () =>
      scope.container((config) => {
        writes(config)
        change(config)
      })
    const one = make()
    t.same(inPipe(['run', '--bundle', one.bundle.path, one.id]), shown, 'run')
    const two = make()
    t.same(inPipe(['run', '--detach', '--bundle', two.bundle.path, two.id]), shown, 'run --detach')
    const three = make()
    const [program, ...start] = scope.runner.commandLine(['start', three.id])
    const both = `"$@" && ${program} ${start.join(' ')}`
    const created = scope.runner.runInShell(`(${both}) 2>&1 </dev/null | sort`, [
      ...['create', '--bundle', three.bundle.path, three.id],
    ])
    t.equal(created.stdout, shown.stdout, 'create and start')
    const four = running(scope, change)
    t.same(inPipe(['exec', four.id, '/bin/sh', '-c', script]), shown, 'exec')
  })
}

for (const [name, change] of Object.entries(users)) {
  test(`with ${name} a file of the caller keeps its owner`, (t, scope) => {
    const file = scope.path('log')
    writeFileSync(file, '')
    chownSync(file, 54_321, 54_321)
    const container = scope.container((config) => {
      config.process.args = ['/bin/echo', 'written']
      change(config)
    })
    scope.runner.runInShell(`"$@" >> ${file}`, ['run', '--bundle', container.bundle.path, container.id])
    const other = running(scope, change)
    scope.runner.runInShell(`"$@" >> ${file}`, ['exec', other.id, '/bin/echo', 'written'])
    t.match(statSync(file), { uid: 54_321, gid: 54_321, size: 16 })
    t.equal(exec(scope, other.id, '/bin/true').status, 0)
  })
}

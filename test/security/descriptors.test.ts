/** Descriptors of the runtime or its caller, and paths that lead through them: CVE-2024-21626 ("Leaky Vessels"). */
import { closeSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { attackTest } from '../helpers/attack.js'
import type { Scope } from '../helpers/scope.js'

/** O_PATH | O_DIRECTORY; spawn(2) of Node.js clears close-on-exec of what it passes on. */
const path = 0o10200000

/** Descriptors of the host's root that the caller leaks: numbers 3 to 2 + count of the runtime. */
function leaked(scope: Scope, count = 6): number[] {
  return Array.from({ length: count }, () => {
    const fd = openSync('/', path)
    scope.defer(() => closeSync(fd))
    return fd
  })
}

attackTest('the program has its three streams and nothing that the caller leaked', (t, scope) => {
  const container = scope.container()
  const descriptors = leaked(scope)
  t.equal(container.run([], { descriptors }).status, 0)
  t.same(Object.keys(container.report().fds).sort(), ['0', '1', '2'])
  t.equal(container.complete([], { descriptors }).status, 0, 'create and start')
  t.same(Object.keys(container.report().fds).sort(), ['0', '1', '2'])
})

attackTest('with --preserve-fds it has just those besides', (t, scope) => {
  const file = scope.path('file')
  writeFileSync(file, '')
  const kept = openSync(file, 'r')
  scope.defer(() => closeSync(kept))
  const container = scope.container()
  const descriptors = [kept, kept, ...leaked(scope)]
  t.equal(container.run(['--preserve-fds', '2'], { descriptors }).status, 0)
  t.same(Object.keys(container.report().fds).sort(), ['0', '1', '2', '3', '4'])
})

attackTest('hooks inside the container get no descriptors either', (t, scope) => {
  const container = scope.container((config) => {
    const args = ['sh', '-c', 'ls -l /proc/self/fd > /hook-fds']
    config.hooks = { startContainer: [{ path: '/bin/sh', args }] }
    config.process.args = ['/probe', 'read /hook-fds']
  })
  t.match(container.complete([], { descriptors: leaked(scope) }), { status: 0, stderr: '' })
  const list = container.report().tries['read /hook-fds']?.text ?? ''
  const names = [...list.matchAll(/ (\d+) -> (.*)$/gm)].filter(
    ([, , target]) => !/^\/proc\/\d+\/fd$/.test(target ?? ''),
  )
  t.same(names.map(([, number]) => number).sort(), ['0', '1', '2'], list)
})

/** Runs a container with each path; none of them may succeed, or show a file of the host. */
function refusesAll(t: Test, scope: Scope, paths: readonly string[], field: 'cwd' | 'args', link: boolean): void {
  const descriptors = leaked(scope)
  const container = scope.container()
  const { config, rootfs } = container.bundle
  const wrong: string[] = []
  for (const [index, target] of paths.entries()) {
    const used = link ? `/link${index}` : target
    if (link) symlinkSync(target, join(rootfs, used))
    if (field === 'cwd') config.process.cwd = used
    else config.process.args = [used, '-c', 'echo ran']
    container.rewrite()
    const { status, stdout } = container.run([], { descriptors })
    if (status === 0 || stdout !== '') wrong.push(`${used} to ${target}: ${status}, ${stdout}`)
    container.remove()
  }
  t.same(wrong, [])
  t.same(scope.leftovers(), [])
}

const numbers = Array.from({ length: 28 }, (_, index) => index + 3)
const upwards = '/../../../../..'

attackTest('a working directory through a descriptor is refused', (t, scope) => {
  const direct = numbers.map((n) => `/proc/self/fd/${n}`)
  refusesAll(t, scope, [...direct, ...numbers.map((n) => `/proc/self/fd/${n}${upwards}`)], 'cwd', false)
})

attackTest('so is one through other links of procfs, and through a link of the image', (t, scope) => {
  const others = ['/proc/1/fd/3', '/proc/thread-self/fd/4', '/proc/self/task/1/fd/5', '/proc/1/root', '/proc/self/cwd']
  refusesAll(t, scope, [...others, `/proc/1/root${upwards}`, `/proc/1/cwd${upwards}/tmp`], 'cwd', false)
  refusesAll(t, scope, [...others, ...numbers.slice(0, 10).map((n) => `/proc/self/fd/${n}`)], 'cwd', true)
})

attackTest('a program through a descriptor is not found', (t, scope) => {
  refusesAll(
    t,
    scope,
    numbers.map((n) => `/proc/self/fd/${n}/bin/sh`),
    'args',
    false,
  )
  refusesAll(
    t,
    scope,
    numbers.map((n) => `/proc/self/fd/${n}${upwards}/bin/sh`),
    'args',
    false,
  )
  refusesAll(
    t,
    scope,
    numbers.slice(0, 10).map((n) => `/proc/self/fd/${n}/bin/sh`),
    'args',
    true,
  )
})

attackTest('the program cannot be found by PATH through a descriptor', (t, scope) => {
  const container = scope.container((config) => {
    config.process.env = [`PATH=${numbers.map((n) => `/proc/self/fd/${n}/usr/bin:/proc/self/fd/${n}/bin`).join(':')}`]
    config.process.args = ['sh', '-c', 'echo ran']
  })
  t.match(container.run([], { descriptors: leaked(scope) }), { status: 1, stdout: '', stderr: /not found in \$PATH/ })
})

attackTest('preserved descriptors do not reach hooks in the container', (t, scope) => {
  const kinds = ['createContainer', 'startContainer'] as const
  const container = scope.container((config) => {
    config.process.args = ['/bin/sh', '-c', 'cat <&3']
    config.hooks = {}
  })
  for (const kind of kinds) {
    const place = kind === 'createContainer' ? scope.folder : ''
    const script = `ls /proc/self/fd > ${place}/${kind}`
    const hook = { path: '/bin/sh', args: ['sh', '-c', script], env: ['PATH=/usr/bin:/bin'] }
    container.bundle.config.hooks = { ...container.bundle.config.hooks, [kind]: [hook] }
  }
  container.rewrite()
  writeFileSync(scope.path('preserved'), 'preserved')
  const descriptor = openSync(scope.path('preserved'), 'r')
  scope.defer(() => closeSync(descriptor))
  t.match(container.run(['--preserve-fds', '1'], { descriptors: [descriptor] }), { status: 0, stdout: 'preserved' })
  // 3 is the directory that ls reads.
  const seen = [scope.path('createContainer'), join(container.bundle.rootfs, 'startContainer')]
  for (const path of seen) t.same(readFileSync(path, 'utf8').split('\n').filter(Boolean), ['0', '1', '2', '3'], path)
})

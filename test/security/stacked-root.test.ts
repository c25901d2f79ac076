/** `/` of the runtime's mount namespace is a mount on top of another: none of them may be in reach of the container. */
import { attackTest } from '../helpers/attack.js'
import { sleeper } from '../helpers/exec.js'

const stacks = [
  ['a bind mount', 'mount --bind / /'],
  ['a recursive bind mount', 'mount --rbind / /'],
  ['two bind mounts', 'mount --bind / / && mount --bind / /'],
  ['a tmpfs', 'mount -t tmpfs none /'],
] as const

/** Runs the runtime in a mount namespace of its own with something on `/`. */
const within = (mount: string): string =>
  `exec unshare --mount --propagation private /bin/sh -c '${mount} && exec "$@"' sh "$@"`

/** Which directory that is, and what it has: the host has no /probe. */
const look = ['/bin/sh', '-c', 'ls -di / /.. | sed "s,/.*,,"; ls /..']

for (const [name, mount] of stacks) {
  for (const options of [[], ['--no-pivot']]) {
    attackTest(`${name} on the host's root, ${options.join('') || 'pivot_root'}: /.. is /`, (t, scope) => {
      const bundle = scope.bundle((config) => {
        config.process.args = look
      })
      const args = ['run', ...options, '--bundle', bundle.path, scope.newId()]
      const { status, stdout, stderr } = scope.runner.runInShell(within(mount), args)
      t.match({ status, stderr }, { status: 0, stderr: '' })
      const [own, above, ...names] = stdout.split('\n')
      t.equal(above, own)
      t.ok(names.includes('probe'), stdout)
    })
  }

  attackTest(`${name} on the host's root: exec has the container's`, (t, scope) => {
    const container = scope.container(sleeper)
    const args = ['create', '--bundle', container.bundle.path, container.id]
    t.match(scope.runner.runInShell(within(mount), args), { status: 0, stderr: '' })
    t.equal(container.start().status, 0)
    const { status, stdout, stderr } = scope.runtime(['exec', container.id, ...look])
    t.match({ status, stderr }, { status: 0, stderr: '' })
    const [own, above, ...names] = stdout.split('\n')
    t.equal(above, own)
    t.ok(names.includes('probe'), stdout)
  })
}

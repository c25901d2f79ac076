/** Root of a user namespace that somebody else has made: unshare(1), `podman unshare`. */
import { chownSync, mkdirSync } from 'node:fs'
import type { Change } from '../helpers/config.js'
import type { Scope } from '../helpers/scope.js'
import { testWith } from '../helpers/test.js'
import { User } from '../helpers/user.js'

const test = testWith('user-namespaces', 'tsrun')

const ids = { subuid: ['600000:65536'], subgid: ['600000:65536'] }

/** A user whose commands are one shell script in a user namespace; `"$@"` is the runtime there. */
function inside(scope: Scope, script: string, options: { many?: boolean } = {}): User {
  const maps = options.many ? ['--map-users', '600000,1,65536', '--map-groups', '600000,1,65536'] : []
  const through = ['unshare', '--user', '--mount', '--map-root-user', ...maps, '/bin/sh', '-ec', script, 'sh']
  return new User(scope, { ...ids, through })
}

/** In the user namespace that there is. */
const withoutOwn: Change = (config) => {
  config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'user')
  delete config.linux.uidMappings
  delete config.linux.gidMappings
}

test('root of a user namespace has the whole life cycle', (t, scope) => {
  const id = scope.newId()
  const bundle = scope.path('bundle')
  const user = inside(
    scope,
    `"$@" create --bundle ${bundle} ${id} > /dev/null
    "$@" exec ${id} /bin/echo entered
    "$@" start ${id}
    "$@" list -q
    "$@" exec ${id} /bin/sh -c 'stat -c %t:%T /dev/null; exit 5' || echo status $?
    "$@" kill ${id} KILL
    until "$@" delete ${id} 2> /dev/null; do :; done
    "$@" list -q`,
  )
  const container = user.container((config) => {
    withoutOwn(config)
    config.process.args = ['/bin/sleep', '1000']
  })
  scope.runner.runProgram('mv', [container.bundle.path, bundle])
  const { stdout, stderr } = user.runtime([])
  t.equal(stderr, '')
  t.equal(stdout, `entered\n${id}\n1:3\nstatus 5\n`)
})

test('its state is in $XDG_RUNTIME_DIR, unless it calls itself root', (t, scope) => {
  const xdg = scope.path('xdg')
  const user = inside(
    scope,
    `line="$*"; set -- \${line%% --root *}
    export XDG_RUNTIME_DIR=${xdg}
    USER=root "$@" create --bundle ${scope.path('bundle')} a 2>&1 || true
    "$@" create --bundle ${scope.path('bundle')} a > /dev/null
    ls $XDG_RUNTIME_DIR/tsrun
    USER=user "$@" delete a`,
  )
  mkdirSync(xdg)
  chownSync(xdg, user.id, user.id)
  const container = user.container(withoutOwn)
  scope.runner.runProgram('mv', [container.bundle.path, scope.path('bundle')])
  const { stdout, stderr } = user.runtime([])
  t.equal(stderr, '')
  t.match(stdout, /^tsrun: cannot make state directory "\/run\/tsrun\/a"[^\n]*permission denied\na\n$/)
})

test('root of a user namespace passes on the ids that it has', (t, scope) => {
  const user = inside(scope, '"$@"', { many: true })
  const map = [{ containerID: 0, hostID: 100, size: 1000 }]
  const report = user.probe((config) => {
    config.linux.uidMappings = map
    config.linux.gidMappings = map
    config.process.user = { uid: 10, gid: 11, additionalGids: [12] }
  })
  t.match(report, { uids: [10, 10, 10], gids: [11, 11, 11], groups: [12] })
})

test('and no others: the error names those that its namespace lacks', (t, scope) => {
  const user = inside(scope, '"$@"')
  const container = user.container((config) => {
    config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1000 }]
    config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 1 }]
  })
  t.match(container.create(), {
    status: 1,
    stderr:
      /cannot map uid 0-999 of the host .*: the user namespace of tsrun has no uid 1-999 \(\/proc\/self\/uid_map\)/,
  })
})

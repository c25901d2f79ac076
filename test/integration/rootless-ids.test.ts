/** An ordinary user with subordinate ids: newuidmap and newgidmap, and what they refuse. */
import { chownSync, lstatSync } from 'node:fs'
import { join } from 'node:path'
import type { Change, TestConfig } from '../helpers/config.js'
import { tried } from '../helpers/probe.js'
import { testWith } from '../helpers/test.js'
import { User } from '../helpers/user.js'

const test = testWith('user-namespaces', 'tsrun', 'newuidmap')

/** The user's own id as root, and after it `size` ids from `first` on. */
function map(config: TestConfig, user: User, first: number, size: number): void {
  const mappings = [
    { containerID: 0, hostID: user.id, size: 1 },
    { containerID: 1, hostID: first, size },
  ]
  config.linux.uidMappings = mappings
  config.linux.gidMappings = mappings
}

const withoutTools = 'for f in newuidmap newgidmap; do mount --bind /dev/null "$(command -v $f)"; done'

const ids = { subuid: ['600000:65536'], subgid: ['600000:65536'] }

test('a user with subordinate ids gives them to its containers, with other users and groups', (t, scope) => {
  const user = new User(scope, ids)
  const report = user.probe(
    (config) => {
      map(config, user, 600_000, 65_536)
      config.process.user = { uid: 7, gid: 8, additionalGids: [9, 10] }
      config.process.capabilities = {}
    },
    'read /proc/self/uid_map',
    'read /proc/self/setgroups',
  )
  t.match(report, { uids: [7, 7, 7], gids: [8, 8, 8], groups: [9, 10] })
  t.same(tried(report, 'read /proc/self/uid_map').text?.trim().split(/\s+/), [
    '0',
    `${user.id}`,
    '1',
    '1',
    '600000',
    '65536',
  ])
  t.equal(tried(report, 'read /proc/self/setgroups').text?.trim(), 'allow')
})

test('files that a container of a user makes belong to the mapped ids', (t, scope) => {
  const user = new User(scope, ids)
  const container = user.container((config) => {
    map(config, user, 600_000, 65_536)
    config.process.args = ['/probe', 'open /tmp/own x', 'chown /tmp/own 5 6', 'open /tmp/root x']
  })
  t.equal(container.run().status, 0)
  t.match(lstatSync(join(container.bundle.rootfs, 'tmp/own')), { uid: 600_004, gid: 600_005 })
  t.match(lstatSync(join(container.bundle.rootfs, 'tmp/root')), { uid: user.id, gid: user.id })
})

test('exec, kill and delete reach processes of subordinate users', (t, scope) => {
  const user = new User(scope, ids)
  const container = user.container((config) => {
    map(config, user, 600_000, 65_536)
    config.process.user = { uid: 1000, gid: 1000 }
    config.process.args = ['/bin/sleep', '1000']
  })
  t.match(container.run(['--detach']), { status: 0, stderr: '' })
  t.match(user.runtime(['exec', '--user', '33:34', container.id, 'id']), {
    status: 0,
    stdout: /^uid=33 gid=34/,
    stderr: '',
  })
  t.match(user.runtime(['exec', '--user', '70000', container.id, 'id']), {
    status: 255,
    stderr: /setresuid: invalid argument/,
  })
  t.match(container.kill('KILL'), { status: 0, stderr: '' })
  container.awaitEnd()
  t.match(container.delete(), { status: 0, stderr: '' })
})

/** `create` fails with these words, and leaves nothing. */
function refused(
  title: string,
  options: ConstructorParameters<typeof User>[1],
  change: (config: TestConfig, user: User) => void,
  message: RegExp,
): void {
  test(title, (t, scope) => {
    const user = new User(scope, options)
    const config: Change = (config) => change(config, user)
    const { status, stderr } = user.container(config).create()
    t.equal(status, 1)
    t.match(stderr, message)
    t.equal(stderr.trim().split('\n').length, 1, 'one line')
  })
}

refused(
  'ids without a right to them are refused with the line for /etc/subuid that would give it',
  {},
  (config, user) => {
    map(config, user, 600_000, 10)
    config.linux.gidMappings = [{ containerID: 0, hostID: user.id, size: 1 }]
  },
  /cannot map uid 54321, 600000-600009 of the host .*: tsrun-test-user has no right to uid 600000-600009; .* \/etc\/subuid the line "tsrun-test-user:600000:10"/,
)

refused(
  'beyond the ranges of the user only what is missing is named, for groups in /etc/subgid',
  { subuid: ['600000:65536'], subgid: ['600000:5'] },
  (config, user) => map(config, user, 600_000, 10),
  /cannot map gid .*: tsrun-test-user has no right to gid 600005-600009; .* \/etc\/subgid the line "tsrun-test-user:600005:5"/,
)

refused(
  'the id of somebody else cannot be mapped alone either',
  {},
  (config, user) => {
    config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }]
    config.linux.gidMappings = [{ containerID: 0, hostID: user.id, size: 1 }]
  },
  /has no right to uid 0; to give it, add to \/etc\/subuid the line "tsrun-test-user:0:1"/,
)

refused(
  'a missing newuidmap is named with the packages that have it',
  { ...ids, prepare: [withoutTools] },
  (config, user) => map(config, user, 600_000, 10),
  /it takes newgidmap, which is not installed/,
)

refused(
  'a newuidmap without privileges is named',
  {
    ...ids,
    prepare: [
      'mount -t tmpfs none /mnt',
      'for f in newuidmap newgidmap; do p=$(command -v $f); cp "$p" /mnt; mount --bind /mnt/$f "$p"; done',
    ],
  },
  (config, user) => map(config, user, 600_000, 10),
  /newgidmap has neither the set-user-ID bit nor a file capability \(as root: chmod u\+s .*newgidmap\)/,
)

refused(
  'with no_new_privs newuidmap is of no use, and the error says so',
  { ...ids, through: ['setpriv', '--no-new-privs'] },
  (config, user) => map(config, user, 600_000, 10),
  /no_new_privs is set for tsrun/,
)

test('a tool that is asked for nothing is not needed: the user’s own id is mapped without', (t, scope) => {
  const user = new User(scope, { prepare: [withoutTools] })
  t.match(user.probe(), { uids: [0, 0, 0] })
})

test('a bind of a subordinate user’s file keeps its owner', (t, scope) => {
  const user = new User(scope, ids)
  const container = user.container((config) => {
    map(config, user, 600_000, 10)
    config.process.args = ['/probe', 'stat /etc']
  })
  chownSync(join(container.bundle.rootfs, 'etc'), 600_001, 600_002)
  const { status, stdout } = container.run()
  t.equal(status, 0)
  t.match(stdout, /"uid":2,"gid":3/)
})

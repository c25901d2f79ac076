/** config.json: process args, env, cwd, user, umask. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Change } from '../helpers/config.js'
import { tried } from '../helpers/probe.js'
import { test } from '../helpers/test.js'

const asUser =
  (uid: number, ...args: string[]): Change =>
  (config) => {
    config.process.user = { uid, gid: uid }
    if (args.length > 0) config.process.args = args
  }

test('the program gets its arguments and environment as they are, in order', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'read /proc/self/cmdline', 'open /', 'mkdir /ä']
    config.process.env = ['EMPTY=', 'SPACES=a  b ', 'EQUALS=a=b', 'UTF=ü', 'HOME=/h', 'LINES=a\nb']
  })
  container.run()
  const { argv, env } = container.report()
  t.same(argv.slice(0, 3), ['/probe', 'read /proc/self/cmdline', 'open /'])
  const bytes = (text: string) => Buffer.from(text).toString('latin1')
  t.equal(argv[3], bytes('mkdir /ä'))
  t.same(env, ['EMPTY=', 'SPACES=a  b ', 'EQUALS=a=b', bytes('UTF=ü'), 'HOME=/h', 'LINES=a\nb'])
})

test('of two variables of one name the later one counts', (t, scope) => {
  const { env } = scope.probe((config) => {
    config.process.env = ['A=1', 'B=2', 'A=3', 'HOME=/']
  })
  t.same(env.toSorted(), ['A=3', 'B=2', 'HOME=/'])
})

test('an environment and arguments of megabytes are no problem', (t, scope) => {
  const long = 'x'.repeat(100_000)
  const container = scope.container((config) => {
    config.process.args = ['/bin/sh', '-c', 'echo ${#L0} ${#L9} $#', 'sh', ...Array.from({ length: 5 }, () => long)]
    config.process.env = ['PATH=/bin', ...Array.from({ length: 10 }, (_, index) => `L${index}=${long}`)]
  })
  t.match(container.run(), { status: 0, stdout: '100000 100000 5\n' })
})

test('HOME comes from the container’s passwd by uid, and is / when nobody has that uid', (t, scope) => {
  const homeOf = (uid: number, env: string[] = []) => {
    const container = scope.container((config) => {
      asUser(uid)(config)
      config.process.env.push(...env)
    })
    writeFileSync(
      join(container.bundle.rootfs, 'etc/passwd'),
      'root:x:0:0:root:/root:/bin/sh\n1000:x:5:5::/wrong:\nuser:x:1000:1000::/home/user:/bin/sh\n',
    )
    container.run()
    return container.report().env.filter((entry) => entry.startsWith('HOME='))
  }
  t.same(homeOf(0), ['HOME=/root'])
  t.same(homeOf(1000), ['HOME=/home/user'], 'a name made of digits does not count')
  t.same(homeOf(1234), ['HOME=/'])
  t.same(homeOf(1000, ['HOME=']), ['HOME=/home/user'], 'an empty one counts as none')
  t.same(homeOf(1000, ['HOME=/given']), ['HOME=/given'])
})

test('a program without a slash is looked up in the PATH of the container', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['hello']
    config.process.env = ['PATH=/empty:/tools:/bin']
  })
  mkdirSync(join(container.bundle.rootfs, 'tools'))
  writeFileSync(join(container.bundle.rootfs, 'tools/hello'), '#!/bin/sh\necho "from $0"\n', { mode: 0o755 })
  t.match(container.run(), { status: 0, stdout: 'from /tools/hello\n' })
})

test('the program is looked up as the user, not as root', (t, scope) => {
  const container = scope.container((config) => {
    asUser(1000, 'hello')(config)
    config.process.capabilities = {}
    config.process.env = ['PATH=/private:/tools']
  })
  for (const [folder, mode] of [
    ['private', 0o700],
    ['tools', 0o755],
  ] as const) {
    const path = join(container.bundle.rootfs, folder)
    mkdirSync(path)
    writeFileSync(join(path, 'hello'), `#!/bin/sh\necho from ${folder}\n`, { mode: 0o755 })
    chmodSync(path, mode)
  }
  t.match(container.run(), { status: 0, stdout: 'from tools\n' })
})

test('the program runs in cwd', (t, scope) => {
  t.equal(scope.probe((config) => void (config.process.cwd = '/bin')).cwd, '/bin')
})

test('a missing cwd is created, and belongs to root', (t, scope) => {
  const report = scope.probe((config) => {
    asUser(1000)(config)
    config.process.cwd = '/new/below/it'
    config.root.readonly = true
  }, 'stat /new/below/it')
  t.equal(report.cwd, '/new/below/it')
  t.match(tried(report, 'stat /new/below/it'), { type: 'directory', uid: 0, mode: 0o755 })
})

test('a cwd that only root may enter is entered all the same', (t, scope) => {
  const container = scope.container((config) => {
    asUser(1000, '/probe', 'stat .', 'list .')(config)
    config.process.capabilities = {}
    config.process.cwd = '/secret'
  })
  mkdirSync(join(container.bundle.rootfs, 'secret'), { mode: 0o700 })
  t.match(container.run(), { status: 0, stderr: '' })
  t.equal(container.report().cwd, '/secret')
  t.equal(tried(container.report(), 'list .').error, 'EACCES')
})

test('cwd is resolved inside the root: a link to / of the host leads to the container’s own', (t, scope) => {
  const container = scope.container((config) => {
    config.process.cwd = '/link/bin'
  })
  symlinkSync('/../../..', join(container.bundle.rootfs, 'link'))
  t.equal(container.run().status, 0)
  t.equal(container.report().cwd, '/bin')
})

test('uid, gid and additional groups are those of the config', (t, scope) => {
  const { uids, gids, groups } = scope.probe((config) => {
    config.process.user = { uid: 1000, gid: 1001, additionalGids: [5, 2000, 2000000000] }
  })
  t.same(uids, [1000, 1000, 1000])
  t.same(gids, [1001, 1001, 1001])
  t.same(
    groups.toSorted((a, b) => a - b),
    [5, 2000, 2000000000],
  )
})

test('without additional groups the program has none of the runtime’s', (t, scope) => {
  t.same(scope.probe().groups, [])
})

test('the umask is 0022 unless the config gives another', (t, scope) => {
  t.equal(scope.probe().umask, 0o022)
  const report = scope.probe(
    (config) => {
      config.process.user.umask = 0o077
    },
    'write /made x',
    'stat /made',
  )
  t.equal(report.umask, 0o077)
  t.equal(tried(report, 'stat /made').mode, 0o600)
  t.equal(scope.probe((config) => void (config.process.user.umask = 0)).umask, 0)
})

test('HOME is found however long passwd is, and whatever its other lines are', (t, scope) => {
  const homeFor = (uid: number, passwd: string | Buffer): string | undefined => {
    const container = scope.container((config) => {
      config.process.user = { uid, gid: 0 }
    })
    mkdirSync(join(container.bundle.rootfs, 'etc'), { recursive: true })
    writeFileSync(join(container.bundle.rootfs, 'etc/passwd'), passwd)
    container.run()
    return container.report().env.find((entry) => entry.startsWith('HOME='))
  }
  const lines = Array.from({ length: 5000 }, (_, at) => `u${at}:x:${at + 1000}:100::/home/u${at}:/bin/sh`)
  t.equal(homeFor(5500, lines.join('\n')), 'HOME=/home/u4500')
  t.equal(homeFor(5999, lines.join('\n')), 'HOME=/home/u4999', 'a last line without a newline')
  t.equal(homeFor(1001, `u0\0:x:1:1::/no:\n${lines.join('\n')}`), 'HOME=/home/u1', 'after a NUL byte')
  t.equal(homeFor(1002, `${'x'.repeat(100_000)}:x:1002:1::/no:\n${lines.join('\n')}`), 'HOME=/home/u2')
  t.equal(homeFor(77, lines.join('\n')), 'HOME=/')
})

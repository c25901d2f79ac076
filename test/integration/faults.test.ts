/** Bad bundles, bad configs, bad arguments: one clear line on stderr, exit status 1, nothing left behind. */
import type { Test } from 'tap'
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle } from '../helpers/bundle.js'
import type { Change, TestConfig } from '../helpers/config.js'
import type { Result } from '../helpers/runtime.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

/** One line that says what is wrong, in a command that has changed nothing. */
function assertFault(t: Test, scope: Scope, result: Result, words: RegExp): void {
  t.equal(result.status, 1)
  t.equal(result.stdout, '')
  t.match(result.stderr, words)
  t.equal(result.stderr.split('\n').length, 2, `one line: ${result.stderr}`)
  t.same(scope.leftovers(), [])
}

/** A fault in the config: create and run say the same. */
function testConfigFault(title: string, words: RegExp, change: Change, needs: Parameters<typeof test>[2] = {}): void {
  test(
    title,
    (t, scope) => {
      assertFault(t, scope, scope.container(change).create(), words)
      assertFault(t, scope, scope.container(change).run(), words)
    },
    needs,
  )
}

/** A fault in the bundle. */
function testBundleFault(title: string, words: RegExp, spoil: (bundle: Bundle) => void): void {
  test(title, (t, scope) => {
    const container = scope.container()
    spoil(container.bundle)
    assertFault(t, scope, container.create(), words)
  })
}

const wrong = (change: (config: Record<string, Record<string, unknown>>) => void): Change => {
  return (config: TestConfig) => change(config as unknown as Record<string, Record<string, unknown>>)
}

testBundleFault('a bundle without config.json is refused', /config\.json/, ({ path }) => {
  rmSync(join(path, 'config.json'))
})

testBundleFault('broken JSON is refused, with line and column', /line 3,? column 5|3:5/, ({ path }) => {
  writeFileSync(join(path, 'config.json'), '{\n  "ociVersion": "1.0.2",\n    }\n')
})

testBundleFault('an empty config.json is refused', /JSON|config\.json|EOF/, ({ path }) => {
  writeFileSync(join(path, 'config.json'), '')
})

testBundleFault('a config that is no object is refused', /object|spec/, ({ path }) => {
  writeFileSync(join(path, 'config.json'), '[]')
})

testBundleFault('a rootfs that doesn’t exist is refused', /rootfs.*(does not exist|no such file)/, ({ rootfs }) => {
  rmSync(rootfs, { recursive: true })
})

testBundleFault(
  'a rootfs that is a symbolic link is refused',
  /rootfs.*symbolic link|rootfs.*symlink/,
  ({ path, rootfs }) => {
    renameSync(rootfs, join(path, 'elsewhere'))
    symlinkSync('elsewhere', rootfs)
  },
)

testBundleFault('a rootfs that is a file is refused', /rootfs.*not a directory/, ({ rootfs }) => {
  rmSync(rootfs, { recursive: true })
  writeFileSync(rootfs, '')
})

test('a bundle that doesn’t exist is refused', (t, scope) => {
  const result = scope.runtime(['create', '--bundle', scope.path('nowhere'), scope.newId()])
  assertFault(t, scope, result, /bundle.*nowhere.*no such file or directory/)
})

testConfigFault(
  'a member of the wrong type is refused, by its place',
  /process.*terminal/,
  wrong(({ process }) => {
    process!.terminal = 'yes'
  }),
)

test('all that is wrong is said at once, each with its JSON pointer', (t, scope) => {
  const container = scope.container(
    wrong(({ process, linux, root }) => {
      process!.cwd = 'relative'
      process!.rlimits = [{ type: 'RLIMIT_NONSENSE', soft: 1, hard: 1 }]
      linux!.rootfsPropagation = 'sideways'
      root!.readonly = 1
    }),
  )
  const { stderr } = container.create()
  t.match(stderr, /\/process\/rlimits\/0\/type: .*RLIMIT_NONSENSE/)
  t.match(stderr, /\/linux\/rootfsPropagation: .*sideways/)
  t.match(stderr, /\/root\/readonly: /)
  t.equal(stderr.split('\n').length, 2)
})

testConfigFault(
  'a namespace type that doesn’t exist is refused',
  /nonsense/,
  wrong(({ linux }) => {
    linux!.namespaces = [{ type: 'mount' }, { type: 'nonsense' }]
  }),
)

testConfigFault('a namespace that is named twice is refused', /uts|namespace/, (config) => {
  config.linux.namespaces.push({ type: 'uts' })
})

testConfigFault('a relative cwd is refused', /cwd|[Cc]wd.*absolute/, (config) => {
  config.process.cwd = 'bin'
})

testConfigFault('empty arguments are refused', /args/, (config) => {
  config.process.args = []
})

testConfigFault('NUL bytes in arguments are refused', /NUL|null byte|invalid argument/i, (config) => {
  config.process.args = ['/probe', 'a\0b']
})

testConfigFault('NUL bytes in the environment are refused', /NUL|nul byte|invalid argument/i, (config) => {
  config.process.env.push('A=a\0b')
})

testConfigFault('NUL bytes in paths are refused', /NUL|invalid argument/i, (config) => {
  config.mounts.push({ destination: '/a\0b', type: 'tmpfs', source: 'tmpfs' })
})

testConfigFault('an environment entry without = is refused', /env|environment/, (config) => {
  config.process.env.push('NONSENSE')
})

testConfigFault(
  'a source of a bind mount that doesn’t exist is refused',
  /\/no\/such\/source.*no such file/,
  (config) => {
    config.mounts.push({ destination: '/data', type: 'bind', source: '/no/such/source', options: ['rbind'] })
  },
)

testConfigFault('a file system type that doesn’t exist is refused', /nosuchfs|no such device/, (config) => {
  config.mounts.push({ destination: '/data', type: 'nosuchfs', source: 'none' })
})

testConfigFault('a mount inside /proc is refused', /\/proc\/sys/, (config) => {
  config.mounts.push({ destination: '/proc/sys', type: 'tmpfs', source: 'tmpfs' })
})

testConfigFault(
  'a resource limit that doesn’t exist is refused',
  /RLIMIT_NONSENSE/,
  wrong(({ process }) => {
    process!.rlimits = [{ type: 'RLIMIT_NONSENSE', soft: 1, hard: 1 }]
  }),
)

testConfigFault(
  'an AppArmor profile is refused where the kernel has no AppArmor',
  /apparmor/i,
  (config) => {
    config.process.apparmorProfile = 'some-profile'
  },
  { needs: ['no-apparmor'] },
)

testConfigFault(
  'an SELinux label is refused where the kernel has no SELinux',
  /selinux/i,
  (config) => {
    config.process.selinuxLabel = 'system_u:system_r:svirt_lxc_net_t:s0:c124,c675'
  },
  { needs: ['no-selinux'] },
)

test('an id with other characters, or with a meaning of its own, is refused', (t, scope) => {
  const { path } = scope.bundle()
  const tooLong = 'x'.repeat(1025)
  for (const id of ['', '.', '..', 'a/b', '../a', 'a b', 'ä', 'a\n', tooLong]) {
    const { status, stderr } = scope.runtime(['create', '--bundle', path, id])
    t.equal(status, 1, JSON.stringify(id.slice(0, 10)))
    t.not(stderr, '')
    t.same(scope.leftovers(), [])
  }
})

test('unknown members are ignored', (t, scope) => {
  const container = scope.container(
    wrong((config) => {
      config.unknown = { a: 1 }
      config.process!.unknown = true
      config.linux!.unknown = []
    }),
  )
  t.match(container.run(), { status: 0, stderr: '' })
})

test('a fault of the kernel in the middle of create is told in one line, with what was being done', (t, scope) => {
  const container = scope.container((config) => {
    config.mounts.push({ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['size=nonsense'] })
  })
  assertFault(t, scope, container.create(), /\/data|size.*nonsense|[Bb]ad value/)
})

test('a root that is not a directory is refused', (t, scope) => {
  const { path } = scope.bundle()
  mkdirSync(scope.path('folder'))
  writeFileSync(scope.path('file'), '')
  const globals = ['--root', scope.path('file')]
  const { status, stderr } = scope.runtime(['create', '--bundle', path, scope.newId()], { globals })
  t.equal(status, 1)
  t.match(stderr, /not a directory/)
})

test(
  'a pid file that is a device or a directory is refused, and left as it is',
  (t, scope) => {
    const fifo = scope.path('fifo')
    scope.runner.runProgram('mkfifo', [fifo])
    for (const path of [fifo, scope.folder]) {
      const inode = statSync(path).ino
      assertFault(t, scope, scope.container().create(['--pid-file', path]), /pid file ".*" is a/)
      t.equal(statSync(path).ino, inode)
    }
  },
  { needs: ['tsrun'] },
)

test(
  'a directory mounted on a file, and a file on a directory, are told in the words that engines know',
  (t, scope) => {
    writeFileSync(scope.path('file'), '')
    const bind =
      (source: string, destination: string): Change =>
      (config) =>
        void config.mounts.push({ destination, type: 'bind', source, options: ['bind'] })
    const words = (destination: string) => new RegExp(`"?${destination}"?.*not a directory.*the source is a`)
    assertFault(t, scope, scope.container(bind(scope.folder, '/probe')).create(), words('/probe'))
    assertFault(t, scope, scope.container(bind(scope.path('file'), '/etc')).create(), words('/etc'))
  },
  { needs: ['tsrun'] },
)

test(
  'a document that is not UTF-8 is refused, under its own name',
  (t, scope) => {
    const container = scope.container()
    const path = `${container.bundle.path}/config.json`
    const bytes = readFileSync(path)
    const at = bytes.indexOf('PATH=')
    bytes[at] = 0xff
    writeFileSync(path, bytes)
    assertFault(t, scope, container.create(), /config\.json" is not UTF-8/)
    container.rewrite()
    t.equal(container.create().status, 0)
    const update = (input: string) => scope.runtime(['update', '--resources', '-', container.id], { input })
    t.match(update('{'), { status: 1, stderr: /^tsrun: invalid resources on standard input: line 1/ })
  },
  { needs: ['tsrun'] },
)

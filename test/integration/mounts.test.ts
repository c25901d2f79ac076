/** config.json: mounts: types, sources, destinations, order. Options have a file of their own. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestMount } from '../helpers/config.js'
import { mountAt, tried } from '../helpers/probe.js'
import { test } from '../helpers/test.js'

const tmpfs = (destination: string, ...options: string[]): TestMount => ({
  destination,
  type: 'tmpfs',
  source: 'tmpfs',
  options,
})

test('proc, sysfs, tmpfs, devpts and mqueue are what they say', (t, scope) => {
  const report = scope.probe(
    (config) => {
      config.mounts.push(tmpfs('/dev/shm', 'nosuid', 'noexec', 'nodev', 'mode=1777', 'size=64k'), {
        destination: '/dev/mqueue',
        type: 'mqueue',
        source: 'mqueue',
      })
    },
    'read /proc/self/comm',
    'list /sys/kernel',
    'stat /dev/shm',
    'stat /dev/pts/ptmx',
    'write /dev/mqueue/queue',
    'stat /dev/mqueue/queue',
  )
  const types = Object.fromEntries(report.mounts.map(({ point, type }) => [point, type]))
  t.match(types, {
    '/proc': 'proc',
    '/sys': 'sysfs',
    '/dev/pts': 'devpts',
    '/dev/shm': 'tmpfs',
    '/dev/mqueue': 'mqueue',
  })
  t.equal(tried(report, 'read /proc/self/comm').text, 'probe\n')
  t.equal(tried(report, 'list /sys/kernel').error, '')
  t.match(tried(report, 'stat /dev/shm'), { mode: 0o1777 })
  t.match(tried(report, 'stat /dev/pts/ptmx'), { type: 'char', mode: 0o666, major: 5, minor: 2 })
  t.ok(mountAt(report, '/dev/shm').superOptions.includes('size=64k'))
  t.equal(tried(report, 'stat /dev/mqueue/queue').type, 'file')
})

test('the container’s message queues are its own', (t, scope) => {
  const mqueue: TestMount = { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue' }
  scope.probe((config) => config.mounts.push(mqueue), 'write /dev/mqueue/queue')
  const report = scope.probe((config) => config.mounts.push(mqueue), 'list /dev/mqueue')
  t.same(tried(report, 'list /dev/mqueue').entries, [])
})

test('a bind mount shows a directory of the host, and what is written there is there', (t, scope) => {
  mkdirSync(scope.path('data'))
  writeFileSync(scope.path('data/file'), 'text')
  const report = scope.probe(
    (config) => {
      config.mounts.push({ destination: '/data', type: 'bind', source: scope.path('data'), options: ['bind'] })
    },
    'read /data/file',
    'write /data/new x',
  )
  t.equal(tried(report, 'read /data/file').text, 'text')
  t.equal(readFileSync(scope.path('data/new'), 'utf8'), 'x')
})

test('a bind mount of a file makes the missing file, and the directories above it', (t, scope) => {
  writeFileSync(scope.path('file'), 'text')
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'read /new/below/file', 'stat /new/below/file']
    config.mounts.push({ destination: '/new/below/file', type: 'none', source: scope.path('file'), options: ['bind'] })
  })
  t.equal(container.run().status, 0)
  t.equal(tried(container.report(), 'read /new/below/file').text, 'text')
  t.equal(readFileSync(join(container.bundle.rootfs, 'new/below/file'), 'utf8'), '', 'the mount point itself is empty')
})

test('bind shows only the directory itself, rbind also what is mounted below it', (t, scope) => {
  scope.mountTmpfs('data')
  scope.mountTmpfs('data/below')
  writeFileSync(scope.path('data/below/file'), 'text')
  const report = scope.probe(
    (config) => {
      const source = scope.path('data')
      config.mounts.push(
        { destination: '/bind', type: 'bind', source, options: ['bind'] },
        { destination: '/rbind', type: 'bind', source, options: ['rbind'] },
      )
    },
    'list /bind/below',
    'list /rbind/below',
  )
  t.same(tried(report, 'list /bind/below').entries, [])
  t.same(tried(report, 'list /rbind/below').entries, ['file'])
})

test('an empty option is none, and a recursive bind stays one with a bind behind it', (t, scope) => {
  scope.mountTmpfs('data')
  scope.mountTmpfs('data/below')
  writeFileSync(scope.path('data/below/file'), 'text')
  const source = scope.path('data')
  const forms = [
    ['', 'rbind'],
    ['rbind', 'bind'],
    ['bind', '', 'rbind'],
    ['rbind', 'ro', 'bind', 'rprivate'],
  ]
  const report = scope.probe(
    (config) => {
      forms.forEach((options, index) => config.mounts.push({ destination: `/${index}`, type: 'bind', source, options }))
      config.mounts.push({ destination: '/tmpfs', type: 'tmpfs', source: 'tmpfs', options: ['', 'size=64k', ''] })
    },
    ...forms.map((_, index) => `list /${index}/below`),
  )
  forms.forEach((options, index) => t.same(tried(report, `list /${index}/below`).entries, ['file'], options.join()))
  t.ok(mountAt(report, '/tmpfs').superOptions.includes('size=64k'))
})

test('a relative source starts from the bundle', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'read /data/file']
    config.mounts.push({ destination: '/data', type: 'bind', source: 'data', options: ['rbind'] })
  })
  mkdirSync(join(container.bundle.path, 'data'))
  writeFileSync(join(container.bundle.path, 'data/file'), 'text')
  container.run()
  t.equal(tried(container.report(), 'read /data/file').text, 'text')
})

test('a device of the host can be bound', (t, scope) => {
  const report = scope.probe(
    (config) => config.mounts.push({ destination: '/null', type: 'bind', source: '/dev/null', options: ['bind'] }),
    'stat /null',
    'write /null x',
  )
  t.match(tried(report, 'stat /null'), { type: 'char', major: 1, minor: 3 })
  t.equal(tried(report, 'write /null x').error, '')
})

test(
  'overlay joins its directories',
  (t, scope) => {
    for (const name of ['lower', 'upper', 'work']) mkdirSync(scope.path(name))
    writeFileSync(scope.path('lower/old'), 'text')
    const at = (name: string) => `${name}dir=${scope.path(name)}`
    const report = scope.probe(
      (config) => {
        const options = [at('lower'), at('upper'), at('work')]
        config.mounts.push({ destination: '/both', type: 'overlay', source: 'overlay', options })
      },
      'read /both/old',
      'write /both/new x',
    )
    t.equal(mountAt(report, '/both').type, 'overlay')
    t.equal(tried(report, 'read /both/old').text, 'text')
    t.same(readdirSync(scope.path('upper')), ['new'])
    t.same(readdirSync(scope.path('lower')), ['old'])
  },
  { needs: ['overlay'] },
)

test('missing mount points are made inside the root', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'stat /new/below']
    config.mounts.push(tmpfs('/new/below'))
  })
  t.equal(container.run().status, 0)
  t.ok(statSync(join(container.bundle.rootfs, 'new/below')).isDirectory())
})

test('links in the image that lead outside lead to places in the root', (t, scope) => {
  const outside = scope.path('outside')
  mkdirSync(outside)
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'list /']
    config.mounts.push(tmpfs('/absolute/a'), tmpfs('/relative/b'), tmpfs('/missing/c'))
  })
  const { rootfs } = container.bundle
  mkdirSync(join(rootfs, outside), { recursive: true })
  symlinkSync(outside, join(rootfs, 'absolute'))
  symlinkSync('../../../../tmp', join(rootfs, 'relative'))
  symlinkSync('/not/there', join(rootfs, 'missing'))
  t.match(container.run(), { status: 0, stderr: '' })
  const points = container.report().mounts.map(({ point }) => point)
  t.ok(points.includes(`${outside}/a`))
  t.ok(points.includes('/tmp/b'))
  t.ok(points.includes('/not/there/c'))
  t.same(readdirSync(outside), [], 'nothing was made on the host')
  t.notOk(existsSync('/tmp/b'))
})

test('mounts come in the order of the config: a later one covers an earlier one', (t, scope) => {
  const report = scope.probe((config) => {
    config.mounts.push(tmpfs('/a/b'), tmpfs('/a'), tmpfs('/a/c', 'size=8k'), tmpfs('/a/c', 'size=12k'))
  }, 'list /a')
  t.same(tried(report, 'list /a').entries, ['c'])
  t.ok(mountAt(report, '/a/c').superOptions.includes('size=12k'))
})

test('a tmpfs has the mode of the directory that it covers', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/probe', 'stat /sticky', 'stat /new']
    config.mounts.push(tmpfs('/sticky'), tmpfs('/new'))
  })
  scope.runner.runProgram('mkdir', ['-m', '1775', join(container.bundle.rootfs, 'sticky')])
  t.equal(container.run().status, 0)
  t.equal(tried(container.report(), 'stat /sticky').mode, 0o1775)
  t.equal(tried(container.report(), 'stat /new').mode, 0o1777, 'the kernel’s own')
})

test('the option mode of a tmpfs counts more than the directory that it covers', (t, scope) => {
  const report = scope.probe((config) => config.mounts.push(tmpfs('/tmp', 'mode=0711')), 'stat /tmp')
  t.equal(tried(report, 'stat /tmp').mode, 0o711)
})

test('with tmpcopyup a tmpfs begins with what the image has there', (t, scope) => {
  const container = scope.container((config) => {
    const tries = ['read /data/file', 'stat /data/file', 'link /data/link', 'read /data/deep/er/x', 'stat /data']
    config.process.args = ['/probe', ...tries, 'write /data/file changed', 'list /plain']
    config.mounts.push(tmpfs('/data', 'tmpcopyup'), tmpfs('/plain'))
  })
  const { rootfs } = container.bundle
  const script =
    'mkdir -p data/deep/er plain/x; chmod 751 data; printf text > data/file; chmod 4640 data/file; ' +
    'chown 5:6 data/file; chmod 4640 data/file; ln -s file data/link; printf x > data/deep/er/x'
  scope.runner.runProgram('sh', ['-c', script], { cwd: rootfs })
  t.match(container.run(), { status: 0, stderr: '' })
  const report = container.report()
  t.equal(mountAt(report, '/data').type, 'tmpfs')
  t.equal(tried(report, 'read /data/file').text, 'text')
  t.match(tried(report, 'stat /data/file'), { mode: 0o4640, uid: 5, gid: 6 })
  t.equal(tried(report, 'link /data/link').text, 'file')
  t.equal(tried(report, 'read /data/deep/er/x').text, 'x')
  t.equal(tried(report, 'stat /data').mode, 0o751)
  t.equal(readFileSync(join(rootfs, 'data/file'), 'utf8'), 'text', 'the image is unchanged')
  t.same(tried(report, 'list /plain').entries, [])
})

test('a relative destination is below the root', (t, scope) => {
  const container = scope.container((config) => {
    config.mounts.push(tmpfs('relative/place'))
  })
  t.equal(container.run().status, 0)
  t.equal(mountAt(container.report(), '/relative/place').type, 'tmpfs')
})

test('no mount of the container is seen by the host, and none of the host’s stays in the container', (t, scope) => {
  const container = scope.container((config) => {
    config.mounts.push(tmpfs('/data'))
    config.process.args = ['/probe', 'wait']
  })
  container.run(['--detach'])
  t.notMatch(readFileSync('/proc/self/mountinfo', 'utf8'), container.bundle.path)
  const inside = readFileSync(`/proc/${container.state().pid}/mountinfo`, 'utf8')
  t.equal(inside.trim().split('\n').length, 6)
})

test('a destination may be written with the path of the rootfs in front, and is judged without it', (t, scope) => {
  const container = scope.container()
  const { config, rootfs } = container.bundle
  const within = (path: string): TestMount => ({ destination: join(rootfs, path), type: 'tmpfs', source: 'tmpfs' })
  config.mounts.push(within('/tmp'))
  container.rewrite()
  t.equal(mountAt(container.runProbe(), '/tmp').type, 'tmpfs')
  for (const [path, message] of [
    ['/proc/sys', /is inside \/proc/],
    ['/', /no such file or directory/],
  ] as const) {
    config.mounts.push(within(path))
    container.rewrite()
    t.match(container.run(), { status: 1, stderr: message })
    config.mounts.pop()
  }
})

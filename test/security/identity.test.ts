/**
 * User, capabilities and home directory with a hostile /etc/passwd: CVE-2016-3697, CVE-2016-8867 (runc),
 * CVE-2022-24769 (engines), CVE-2022-27650, CVE-2022-29162, CVE-2025-27612.
 */
import { execFileSync } from 'node:child_process'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attackTest } from '../helpers/attack.js'
import { tried } from '../helpers/probe.js'

const none = '0000000000000000'

attackTest('a user name made of digits changes neither user nor home directory', (t, scope) => {
  const container = scope.container((config) => {
    config.process.user = { uid: 1000, gid: 1000 }
  })
  const lines = ['1000:x:0:0::/root:/bin/sh', 'app:x:1000:1000::/home/app:/bin/sh', 'x:x:1000:0::/second:/bin/sh']
  writeFileSync(join(container.bundle.rootfs, 'etc/passwd'), lines.join('\n'))
  t.equal(container.run().status, 0)
  const { uids, gids, env } = container.report()
  t.same(
    [uids, gids],
    [
      [1000, 1000, 1000],
      [1000, 1000, 1000],
    ],
  )
  t.ok(env.includes('HOME=/home/app'), env.join())
})

const passwords: Readonly<Record<string, string | Buffer>> = {
  'a number that is too large': 'a:x:4294968296:0::/wrong:\n', // 2^32 + 1000
  'a number with more behind it': 'a:x:1000x:0::/wrong:\na:x:1000 :0::/wrong:\n',
  'signs and blanks': 'a:x:+1000:0::/wrong:\na:x: 1000:0::/wrong:\na:x:-1:0::/wrong:\n',
  'too few fields': 'a:x:1000:0:\n1000\n:::::::::::\na:x:1000\n',
  'NUL bytes': Buffer.from('a:x:1000\0:0::/wrong:\n\0\0\0'),
  'a line without end': 'x'.repeat(200_000),
  'megabytes of lines': 'a:x:1:1::/other:/bin/sh\n'.repeat(100_000),
}

for (const [name, text] of Object.entries(passwords)) {
  attackTest(`/etc/passwd with ${name} gives no home directory`, (t, scope) => {
    const container = scope.container((config) => {
      config.process.user = { uid: 1000, gid: 1000 }
    })
    writeFileSync(join(container.bundle.rootfs, 'etc/passwd'), text)
    t.match(container.run(), { status: 0, stderr: '' })
    t.ok(container.report().env.includes('HOME=/'), container.report().env.join())
  })
}

attackTest('a home directory as long as can be is taken, and one that no path can name is not', (t, scope) => {
  for (const [length, home] of [
    [4000, `/${'h'.repeat(4000)}`],
    [20_000, '/'],
  ] as const) {
    const container = scope.container()
    writeFileSync(join(container.bundle.rootfs, 'etc/passwd'), `root:x:0:0::/${'h'.repeat(length)}:/bin/sh\n`)
    t.equal(container.run().status, 0)
    t.ok(container.report().env.includes(`HOME=${home}`), `${length}`)
  }
})

attackTest(
  '/etc/passwd as a link to the host, a fifo, a device or a directory is not read, nor waited for',
  (t, scope, host) => {
    writeFileSync(join(host.canary, 'file'), 'root:x:0:0::/from-the-host:/bin/sh\n')
    const ways: readonly ((path: string) => void)[] = [
      (path) => symlinkSync(join(host.canary, 'file'), path),
      (path) => symlinkSync(`../../../../../../../..${join(host.canary, 'file')}`, path),
      (path) => symlinkSync('/proc/self/fd/3', path),
      (path) => symlinkSync('passwd', path),
      (path) => void execFileSync('mkfifo', [path]),
      (path) => void execFileSync('mknod', [path, 'c', '1', '5']),
      (path) => void execFileSync('mkdir', [path]),
    ]
    for (const make of ways) {
      const container = scope.container()
      make(join(container.bundle.rootfs, 'etc/passwd'))
      t.match(container.run(), { status: 0, stderr: '' }, make.toString())
      t.ok(container.report().env.includes('HOME=/'))
    }
    writeFileSync(join(host.canary, 'file'), 'canary file')
  },
)

attackTest(
  'a user other than root gets no effective or ambient capabilities that were not listed as ambient',
  (t, scope) => {
    const list = ['CAP_NET_RAW', 'CAP_CHOWN']
    const report = scope.probe((config) => {
      config.process.user = { uid: 1000, gid: 1000 }
      config.process.capabilities = { bounding: list, permitted: list, inheritable: list, effective: list }
    })
    t.equal(report.status.CapEff, none)
    t.equal(report.status.CapPrm, none)
    t.equal(report.status.CapAmb, none)
  },
)

attackTest('ambient capabilities are those that are listed', (t, scope) => {
  const list = ['CAP_NET_RAW', 'CAP_CHOWN']
  const report = scope.probe((config) => {
    config.process.user = { uid: 1000, gid: 1000 }
    config.process.capabilities = {
      ...{ bounding: list, permitted: list, inheritable: list, effective: list },
      ambient: ['CAP_CHOWN'],
    }
  })
  t.equal(report.status.CapAmb, '0000000000000001')
  t.equal(report.status.CapEff, '0000000000000001')
})

attackTest('nothing is inheritable that was not listed so', (t, scope) => {
  const { status } = scope.probe()
  t.equal(status.CapInh, none)
  t.equal(status.CapAmb, none)
})

attackTest('spec lists neither inheritable nor ambient capabilities', (t, scope) => {
  for (const args of [['spec'], ['spec', '--rootless']]) {
    const bundle = scope.path(`spec-${args.length}`)
    execFileSync('mkdir', [bundle])
    t.equal(scope.runtime(args, { cwd: bundle }).status, 0)
    const text = execFileSync('cat', [join(bundle, 'config.json')], { encoding: 'utf8' })
    const { process } = JSON.parse(text) as {
      process: { capabilities: Record<string, string[]>; noNewPrivileges: boolean }
    }
    t.same(Object.keys(process.capabilities).sort(), ['bounding', 'effective', 'permitted'])
    t.equal(process.noNewPrivileges, true)
  }
})

attackTest('the capabilities that init keeps for its own work are not the program’s', (t, scope) => {
  const report = scope.probe((config) => {
    config.process.user = { uid: 1000, gid: 1000 }
    config.process.capabilities = { bounding: ['CAP_CHOWN'] }
    config.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW' }
  }, 'chown /probe 1 1')
  for (const name of ['CapPrm', 'CapEff', 'CapInh', 'CapAmb']) t.equal(report.status[name], none, name)
  t.equal(tried(report, 'chown /probe 1 1').error, 'EPERM')
})

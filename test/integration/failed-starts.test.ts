/** Why a program cannot be executed is told in a hint after the error, whose words stay those that engines look for. */
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import type { Change } from '../helpers/config.js'
import type { Container } from '../helpers/container.js'
import type { Result } from '../helpers/runtime.js'
import { testWith } from '../helpers/test.js'
import { tool } from '../helpers/tools.js'

const test = testWith('tsrun')

const running =
  (...args: string[]): Change =>
  (config) =>
    void (config.process.args = args)

/** Two lines on stderr: the error in these words, and the hint. */
function told(t: Test, { status, stderr }: Result, words: string | RegExp, hint: RegExp): void {
  const [error = '', second = '', ...rest] = stderr.split('\n')
  t.not(status, 0)
  t.match(error, words)
  t.match(second, hint)
  t.match(second, /^hint: /)
  t.same(rest, [''])
  // By these words engines choose the exit status of a container: a hint must not lead them astray.
  t.notMatch(second, /permission denied|is a directory|not a directory|no such file|executable file not found/i)
}

/** A file of the rootfs. */
function put(container: Container, name: string, content: string | Buffer, mode = 0o755): void {
  const path = join(container.bundle.rootfs, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content, { mode })
}

/** A program of the host that is linked with libraries. */
const dynamicProgram = '/bin/ls'

test('a missing ELF interpreter is named, with what brings it; of create, start and run alike', (t, scope) => {
  const container = scope.container(running('/app'))
  copyFileSync(dynamicProgram, join(container.bundle.rootfs, 'app'))
  const hint = /"\/app" needs the ELF interpreter "\/lib.*\/ld-.*", which is not in the container: .*glibc/
  told(t, container.run(), /exec.*no such file or directory/, hint)
  t.equal(container.create().status, 0)
  told(t, container.start(), /exec.*no such file or directory/, hint)
})

test('a program for another machine', (t, scope) => {
  const container = scope.container(running('/foreign'))
  const program = readFileSync(tool('probe'))
  program.writeUInt16LE(program.readUInt16LE(18) === 183 ? 62 : 183, 18)
  put(container, 'foreign', program)
  told(
    t,
    container.run(),
    /exec format error/i,
    /"\/foreign" is a program for (arm64|x86-64) \(64 bits\), this machine is/,
  )
})

test('scripts: a carriage return, a missing interpreter, no first line, nothing at all', (t, scope) => {
  const script = (content: string) => {
    const container = scope.container(running('/run.sh'))
    put(container, 'run.sh', content)
    return container.run()
  }
  told(t, script('#!/bin/sh\r\necho hello\r\n'), /no such file/, /carriage return \(CRLF\).*"\/bin\/sh": convert it/)
  told(
    t,
    script('#!/bin/bash\necho\n'),
    /no such file/,
    /wants the interpreter "\/bin\/bash", which is not in the container/,
  )
  told(t, script('echo hello\n'), /exec format error/i, /"\/run.sh" has no "#!" in its first line/)
  told(t, script(''), /exec format error/i, /"\/run.sh" is empty/)
})

test('no execute bit, no right to execute, no right to search: known at create', (t, scope) => {
  const container = scope.container(running('/opt/app/run.sh'))
  const { config, rootfs } = container.bundle
  put(container, 'opt/app/run.sh', '#!/bin/sh\n', 0o644)
  const denied = /exec: "\/opt\/app\/run.sh": permission denied/
  told(t, container.create(), denied, /"\/opt\/app\/run.sh" has no execute bit \(mode 0644\): chmod \+x/)
  chmodSync(join(rootfs, 'opt/app/run.sh'), 0o700)
  config.process.user = { uid: 1000, gid: 1000 }
  config.process.capabilities = {}
  container.rewrite()
  told(t, container.create(), denied, /user 1000 may not execute "\/opt\/app\/run.sh" \(mode 0700, owner 0\)/)
  chmodSync(join(rootfs, 'opt/app/run.sh'), 0o755)
  chmodSync(join(rootfs, 'opt'), 0o750)
  told(t, container.create(), denied, /user 1000 may not search "\/opt" \(mode 0750, owner 0\): chmod o\+x/)
  config.process.args = ['/run']
  container.rewrite()
  symlinkSync('opt/app/run.sh', join(rootfs, 'run'))
  told(t, container.create(), /permission denied/, /user 1000 may not search "\/opt"/)
})

test('noexec, of a mount in the config and of what the rootfs lies on: known at create', (t, scope) => {
  const source = scope.path('data')
  mkdirSync(source)
  writeFileSync(join(source, 'app'), '#!/bin/sh\n', { mode: 0o755 })
  const bound = scope.container((config) => {
    config.process.args = ['/data/app']
    config.mounts.push({ destination: '/data', source, options: ['bind', 'noexec'] })
  })
  told(t, bound.create(), /permission denied/, /"\/data\/app" lies on the mount "\/data", which has noexec/)
  const place = scope.mountTmpfs('noexec', 'noexec')
  const lying = scope.container()
  cpSync(lying.bundle.rootfs, join(place, 'rootfs'), { recursive: true, verbatimSymlinks: true })
  lying.bundle.config.root.path = join(place, 'rootfs')
  lying.rewrite()
  told(
    t,
    lying.create(),
    /permission denied/,
    /the rootfs ".*noexec\/rootfs" lies on a file system that is mounted with noexec/,
  )
})

test('the program is not found: no PATH, a command line in one text, a file in the place of a directory', (t, scope) => {
  const create = (change: Change) => scope.container(change).create()
  const noPath = create((config) => {
    config.process.args = ['sh']
    config.process.env = []
  })
  told(t, noPath, /executable file not found in \$PATH/, /process.env has no PATH/)
  told(t, create(running('sh -c true')), /executable file not found/, /each argument is an element of its own/)
  told(t, create(running('/probe/sh')), /not a directory/, /"\/probe" on the way is a file/)
})

test('a library that is missing is named when the loader has given up', (t, scope) => {
  const container = scope.container(running('/app'))
  const { rootfs } = container.bundle
  copyFileSync(dynamicProgram, join(rootfs, 'app'))
  const [, loader = ''] = /(\/lib[^\s\0]*\/ld-[^\s\0]+)/.exec(readFileSync(dynamicProgram, 'latin1')) ?? []
  mkdirSync(join(rootfs, dirname(loader)), { recursive: true })
  copyFileSync(realpathSync(loader), join(rootfs, loader))
  const { status, stderr } = container.run()
  t.equal(status, 127)
  t.match(stderr, /error while loading shared libraries: (lib[a-z]+\.so\.\d+)/)
  t.match(stderr, /level=warning msg="\\"\/app\\" needs the library lib[a-z]+\.so\.\d+, which is not in the container/)
})

test('exec looks at what the container has now, its mounts among it', (t, scope) => {
  const source = scope.path('tools')
  mkdirSync(source)
  const container = scope.container((config) => {
    config.process.args = ['/bin/sh', '-c', 'sleep 1000']
    config.mounts.push({ destination: '/tools', source, options: ['bind'] })
  })
  t.equal(container.run(['--detach']).status, 0)
  writeFileSync(join(source, 'run.sh'), '#!/bin/none\n', { mode: 0o755 })
  const exec = (...args: string[]) => scope.runtime(['exec', container.id, ...args])
  told(t, exec('/tools/run.sh'), /no such file/, /wants the interpreter "\/bin\/none"/)
  chmodSync(join(source, 'run.sh'), 0o644)
  told(t, exec('/tools/run.sh'), /permission denied/, /has no execute bit/)
  told(t, exec('-it', 'sh'), /executable file not found/, /options of exec stand before the container id/)
})

test('who looks is not led out of the rootfs, nor kept waiting', (t, scope) => {
  const outside = scope.path('outside')
  writeFileSync(outside, '#!/secret/of/the/host\n', { mode: 0o755 })
  const container = scope.container(running('/run'))
  const { rootfs } = container.bundle
  symlinkSync(outside, join(rootfs, 'run'))
  const led = container.run()
  t.not(led.status, 0)
  t.notMatch(led.stderr, /secret/)
  container.fifo('pipe')
  chmodSync(join(rootfs, 'pipe'), 0o755)
  put(container, 'script', '#!/pipe\n')
  container.bundle.config.process.args = ['/script']
  container.rewrite()
  t.match(container.run(), { status: 1, stderr: /permission denied/ })
})

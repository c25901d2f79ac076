/** The files of a release: what they hold, that they install and uninstall, and that two makings give the same bytes. */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Spec, Validation } from '@cyclonedx/cyclonedx-library'
import t, { type Test } from 'tap'
import { requires } from '../helpers/requires.js'
import { projectRoot } from '../helpers/tools.js'

const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }
const skip =
  (!existsSync(join(projectRoot, '.git')) && 'needs a git checkout') ||
  (lstatSync(join(projectRoot, 'dist/tsrun')).isSymbolicLink() && 'needs the engine, which this machine has not') ||
  (spawnSync('dpkg-deb', ['--version']).status !== 0 && 'needs dpkg-deb')

const folder = mkdtempSync(join(tmpdir(), 'tsrun-release-test-'))
t.teardown(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** Makes the release in a folder of this name, at another moment and with another environment than the one before. */
function release(name: string): string {
  const path = join(folder, name)
  const env = { ...process.env, TZ: name === 'one' ? 'UTC' : 'Asia/Tokyo', MORE: name }
  execFileSync(process.execPath, [join(projectRoot, 'scripts/release.mjs'), path, ...archs], {
    env,
    stdio: 'pipe',
    timeout: 600_000,
  })
  return path
}

const digestsOf = (path: string): string => readFileSync(join(path, 'SHA256SUMS'), 'utf8')
const run = (program: string, ...args: string[]): string => execFileSync(program, args, { encoding: 'utf8' })
const inRelease = (name: string): string => join(folder, 'one', name)
const arch = process.arch === 'x64' ? 'amd64' : process.arch
const { reasonAgainstArm64 } = (await import(join(projectRoot, 'scripts/arm64.mjs'))) as {
  readonly reasonAgainstArm64: () => string | undefined
}
const noArm64 =
  process.arch === 'x64' ? (reasonAgainstArm64() ?? false) : 'is for machines that are no arm64 themselves'
const archs = noArm64 === false ? ['x64', 'arm64'] : [process.arch]

t.test('two makings give the same files', { skip }, (t: Test) => {
  const one = release('one')
  t.equal(digestsOf(release('two')), digestsOf(one))
  const names = readdirSync(one).sort()
  t.equal(digestsOf(one).split('\n').length, names.length, 'all but the list itself are in it')
  run('sh', '-c', `cd '${one}' && sha256sum --quiet --check SHA256SUMS`)
  const own = archs.flatMap((name) => [
    `tsrun-${version}-linux-${name}`,
    `tsrun-${version}-linux-${name}.tar.gz`,
    `tsrun_${version}_${name === 'x64' ? 'amd64' : name}.deb`,
  ])
  const common = [`tsrun-${version}.tgz`, `tsrun-${version}.cdx.json`, 'PROVENANCE', 'SHA256SUMS']
  t.same(names, [...own, ...common].sort())
  for (const name of names)
    t.notOk(readFileSync(join(one, name)).includes(projectRoot), `${name} has no path of this machine`)
  t.end()
})

t.test('the Debian package has program, manual pages, completions and licences', { skip }, (t: Test) => {
  const deb = inRelease(`tsrun_${version}_${arch}.deb`)
  t.equal(run('dpkg-deb', '--field', deb, 'Version').trim(), version)
  for (const field of ['Depends', 'Pre-Depends', 'Conflicts', 'Breaks', 'Replaces', 'Provides'])
    t.match(run('dpkg-deb', '--field', deb, field), /^\s*$/, `it has no ${field}`)
  const contents = run('dpkg-deb', '--contents', deb)
  for (const owner of contents.trimEnd().split('\n')) t.match(owner, / root\/root /)
  const root = join(folder, 'root')
  run('dpkg-deb', '--extract', deb, root)
  const files = [
    'usr/bin/tsrun',
    'usr/share/man/man8/tsrun.8.gz',
    'usr/share/man/man8/tsrun-run.8.gz',
    'usr/share/bash-completion/completions/tsrun',
    'usr/share/zsh/vendor-completions/_tsrun',
    'usr/share/fish/vendor_completions.d/tsrun.fish',
    'usr/share/doc/tsrun/copyright',
    'usr/share/doc/tsrun/changelog.gz',
  ]
  for (const file of files) t.ok(existsSync(join(root, file)), file)
  const papers = join(root, 'usr/share/doc/tsrun')
  for (const name of ['libseccomp-dev', 'libarchive-dev', 'musl-dev', 'quickjs']) {
    t.match(
      readFileSync(join(papers, 'copyright'), 'utf8'),
      new RegExp(`^ ${name} \\S+ \\(.*\\): see linked/${name}$`, 'm'),
    )
    t.match(readFileSync(join(papers, 'linked', name), 'utf8'), /copyright/i)
  }
  t.end()
})

/** Offset 18 of an ELF file: EM_AARCH64. */
const machineOf = (file: string): number => readFileSync(file).readUInt16LE(18)

t.test('the files for arm64 are for arm64, and have the same names', { skip: skip || noArm64 }, (t: Test) => {
  t.equal(machineOf(inRelease(`tsrun-${version}-linux-arm64`)), 183)
  const deb = inRelease(`tsrun_${version}_arm64.deb`)
  t.equal(run('dpkg-deb', '--field', deb, 'Architecture').trim(), 'arm64')
  const root = join(folder, 'arm64')
  run('dpkg-deb', '--extract', deb, root)
  t.equal(machineOf(join(root, 'usr/lib/tsrun/prebuilds/linux-arm64/tsrun.node')), 183)
  const names = (name: string): string[] =>
    run('dpkg-deb', '--contents', inRelease(`tsrun_${version}_${name}.deb`))
      .split('\n')
      .map((line) =>
        line
          .replace(/^.* \.\//, '')
          .replaceAll(name === 'amd64' ? 'x64' : name, 'ARCH')
          .replace('-ARCH-cross', ''),
      )
      .sort()
  t.same(names('arm64'), names('amd64'))
  t.match(run('qemu-aarch64-static', join(root, 'usr/bin/tsrun'), '--version'), `tsrun version ${version}`)
  t.end()
})

t.test('dpkg installs and removes the package, and nothing of it stays', { skip }, (t: Test) => {
  const target = join(folder, 'dpkg')
  const all = (): string => run('find', target, '-path', `${target}/usr*`, '-not', '-type', 'd')
  run('sh', '-c', `mkdir -p '${target}/var/lib/dpkg/info' && : > '${target}/var/lib/dpkg/status'`)
  const dpkg = (...args: string[]): string => run('dpkg', `--root=${target}`, '--force-not-root', ...args)
  dpkg('--install', inRelease(`tsrun_${version}_${arch}.deb`))
  t.match(run('dpkg-query', `--admindir=${target}/var/lib/dpkg`, '--show', 'tsrun'), version)
  t.match(all(), 'usr/bin/tsrun')
  dpkg('--purge', 'tsrun')
  t.equal(all(), '')
  t.end()
})

t.test('the installer of the DaemonSet puts the program on a node', { skip: skip || requires('root') }, (t: Test) => {
  const manifest = readFileSync(join(projectRoot, 'docs/engines/kubernetes.yaml'), 'utf8')
  const command = /'(tar -xzf \/release[^']*)'/.exec(manifest)?.[1] ?? ''
  const node = join(folder, 'node')
  const script = `mkdir -p "$2/host/usr/local" "$2/release" "$2/tmp" && mount --bind "$1" "$2/release" &&
    mount --rbind / "$2/host-root" && exec chroot "$2" sh -c "$3"`
  run('mkdir', '-p', join(node, 'host-root'))
  // The image of the manifest: a shell with the release. Here it has this machine's programs.
  for (const name of ['bin', 'usr', 'lib', 'lib64']) run('sh', '-c', `ln -s host-root/${name} '${node}/${name}'`)
  const args = ['--mount', 'sh', '-ec', script, 'sh', join(folder, 'one'), node, command]
  const { status, stderr } = spawnSync('unshare', args, { encoding: 'utf8', timeout: 60_000 })
  t.same({ status, stderr }, { status: 0, stderr: '' })
  t.match(run(join(node, 'host/usr/local/bin/tsrun'), '--version'), version)
  t.end()
})

/** What a machine has besides the package: kernel, its file systems, and a bundle. In a mount namespace of its own. */
const inBareRoot = `
  mount --bind "$1" "$1"
  mkdir -p "$1/proc" "$1/sys" "$1/run" "$1/bundle/rootfs/bin"
  mount -t proc proc "$1/proc" && mount --rbind /sys "$1/sys" && cp /bin/busybox "$1/bundle/rootfs/bin/sh"
  chroot "$1" /usr/bin/tsrun spec --bundle /bundle
  sed -i 's/"terminal": true/"terminal": false/; s/"sh"$/"sh", "-c", "echo ran as process $$"/' "$1/bundle/config.json"
  exec chroot "$1" /usr/bin/tsrun run --bundle /bundle "$2"`

t.test('a container runs in a root that has nothing but the package', { skip: skip || requires('root') }, (t: Test) => {
  const args = ['--mount', 'sh', '-ec', inBareRoot, 'sh', join(folder, 'root'), `bare-${process.pid}`]
  const { status, stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8', timeout: 60_000 })
  t.equal(stderr, '')
  t.equal(stdout, 'ran as process 1\n')
  t.equal(status, 0)
  t.end()
})

t.test('the program that downloads images is found beside the installed one', { skip }, (t: Test) => {
  const program = join(folder, 'root/usr/bin/tsrun')
  const args = ['image', 'pull', '--image-root', join(folder, 'store'), '--insecure', '127.0.0.1:59999/none']
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 60_000 })
  t.match(stderr, /cannot pull 127\.0\.0\.1:59999\/none.*ECONNREFUSED/s)
  t.equal(status, 1)
  t.end()
})

t.test(
  'install.sh installs below DESTDIR and PREFIX, over an old version too, and takes all of it away again',
  { skip },
  (t: Test) => {
    run('tar', '-C', folder, '-xzf', inRelease(`tsrun-${version}-linux-${process.arch}.tar.gz`))
    const installer = join(folder, `tsrun-${version}-linux-${process.arch}`, 'install.sh')
    const env = { ...process.env, DESTDIR: join(folder, 'image'), PREFIX: '/opt/with space' }
    const install = (...args: string[]) => spawnSync(installer, args, { env, encoding: 'utf8' })
    for (const _ of ['first', 'again']) {
      const { status, stdout, stderr } = install()
      t.equal(status, 0, stderr)
      t.match(stdout, `installed tsrun version ${version} in`)
    }
    const target = join(folder, 'image/opt/with space')
    t.match(run(join(target, 'bin/tsrun'), '--version'), version)
    t.same(readdirSync(join(target, 'bin')), ['tsrun'], 'nothing half written is left')
    chmodSync(join(target, 'bin/tsrun'), 0o555)
    t.equal(install('uninstall').status, 0)
    t.same(run('find', target, '-type', 'f'), '')
    t.equal(install('remove').status, 2)
    t.end()
  },
)

t.test('the npm package has no program that attacks', { skip }, (t: Test) => {
  const files = run('tar', '-tzf', inRelease(`tsrun-${version}.tgz`))
  t.match(files, 'package/prebuilds/linux-')
  t.notMatch(files, 'test-tools')
  t.end()
})

t.test('the bill of materials obeys the schema of CycloneDX and names what is linked in', { skip }, async (t: Test) => {
  const text = readFileSync(inRelease(`tsrun-${version}.cdx.json`), 'utf8')
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot5)
  t.equal(await validator.validate(text), null)
  t.not(await validator.validate(text.replace('"library"', '"nonsense"')), null, 'it is really judged')
  const { components } = JSON.parse(text) as { components: { name: string; version: string }[] }
  for (const name of ['quickjs', 'libseccomp-dev', 'libarchive-dev', 'libc6-dev', 'musl-dev', 'commander', 'zod'])
    t.match(components.find((one) => one.name === name)?.version, /^\d/, name)
  t.match(readFileSync(inRelease('PROVENANCE'), 'utf8'), /^commit: [0-9a-f]{40}$/m)
})

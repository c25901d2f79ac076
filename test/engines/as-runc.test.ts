/** docs/install.md, "In the place of runc": its commands, as they are printed, for containerd and Docker, and back again. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { requires } from '../helpers/requires.js'
import { projectRoot } from '../helpers/tools.js'
import { Containerd, image as containerdImage } from './support/containerd.js'
import { Docker, image as dockerImage } from './support/docker.js'
import type { Sandbox } from './support/sandbox.js'

// The root directory of other engines has no dpkg.
const skip =
  requires('root', 'tsrun') || (process.env.ENGINES_ROOT !== undefined && 'is tried with this machine’s engines')
t.jobs = 1

const [link = '', unlink = '', divert = '', undivert = ''] = [
  ...(readFileSync(join(projectRoot, 'docs/install.md'), 'utf8').split('## In the place of runc')[1] ?? '').matchAll(
    /^```\n([^]*?)^```/gm,
  ),
].map(([, commands]) => commands)

/** The order of systemd's services: what an administrator has installed goes before. */
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Programs and dpkg's list of them, as the sandbox sees them, change in memory alone. */
const cover = `
  mkdir -p "$1" && mount -t tmpfs tmpfs "$1"
  for folder in /usr/sbin /usr/bin /usr/local/sbin /var/lib/dpkg; do
    name=$(echo $folder | tr / -)
    mkdir "$1/$name" "$1/work$name"
    mount -t overlay -o "lowerdir=$folder,upperdir=$1/$name,workdir=$1/work$name" cover $folder
  done
  ln -s /usr/local/bin/tsrun /usr/bin/tsrun`

async function succeeds(sandbox: Sandbox, commands: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await sandbox.run('sh', ['-euc', commands, 'sh', ...args])
  assert.equal(status, 0, `${commands}: ${stdout}${stderr}`)
  return stdout
}

/** Who knows a running container: each has records that the other does not read. */
async function maker(sandbox: Sandbox, id: string): Promise<string> {
  const record = (await succeeds(sandbox, `find /run "$1" -path "*${id}*/state.json"`, sandbox.folder)).trim()
  const root = record.replace(new RegExp(`/[^/]*${id}[^/]*/state.json$`), '')
  const name = record.split('/').at(-2) ?? ''
  const { status } = await sandbox.run('/usr/local/bin/tsrun', ['--root', root, 'state', name])
  return status === 0 ? 'tsrun' : 'runc'
}

t.test('containerd: a link that is found first', { skip }, async (t) => {
  const containerd = await Containerd.start({ path })
  const { sandbox } = containerd
  try {
    await succeeds(sandbox, cover, sandbox.file('cover'))
    const made = async (): Promise<string> => {
      const name = containerd.name()
      await containerd.ok(
        'run',
        '--detach',
        '--cgroup',
        `/${sandbox.word}/${name}`,
        containerdImage,
        name,
        'sleep',
        '1000',
      )
      const by = await maker(sandbox, name)
      await containerd.clear()
      return by
    }
    t.equal(await made(), 'runc', 'before')
    await succeeds(sandbox, link)
    t.match(await succeeds(sandbox, 'runc --version | head -n 1'), /^runc version [\d.]+\+tsrun\./)
    t.equal(await made(), 'tsrun')
    await succeeds(sandbox, unlink)
    t.equal(await made(), 'runc', 'and back')
  } finally {
    await succeeds(sandbox, 'umount -l /usr/sbin /usr/bin /usr/local/sbin /var/lib/dpkg "$1"', sandbox.file('cover'))
    t.same(await containerd.close(), [])
  }
})

t.test('Docker: a diversion of the package’s program', { skip }, async (t) => {
  const docker = await Docker.start()
  const { sandbox } = docker
  try {
    await succeeds(sandbox, cover, sandbox.file('cover'))
    const made = async (): Promise<string> => {
      const name = await docker.start('--runtime', 'reference-runc')
      const by = await maker(sandbox, await docker.inspect(name, '.Id'))
      t.equal(await docker.ok('exec', name, 'echo', 'entered'), 'entered')
      await docker.ok('rm', '--force', name)
      return by
    }
    t.equal(await made(), 'runc', 'before')
    await succeeds(sandbox, divert)
    t.match(await succeeds(sandbox, '/usr/sbin/runc --version'), /^runc version [\d.]+\+tsrun\./)
    t.equal(await docker.run('--runtime', 'reference-runc', dockerImage, 'echo', 'hello'), 'hello')
    t.equal(await made(), 'tsrun')
    await succeeds(sandbox, undivert)
    t.notMatch(await succeeds(sandbox, '/usr/sbin/runc --version'), 'tsrun')
    t.equal(await made(), 'runc', 'and back')
  } finally {
    await succeeds(sandbox, 'umount -l /usr/sbin /usr/bin /usr/local/sbin /var/lib/dpkg "$1"', sandbox.file('cover'))
    t.same(await docker.close(), [])
  }
})

/** Test support: podman of an ordinary user with subordinate ids, and the runtime under test. */
import assert from 'node:assert/strict'
import { chownSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { runtimeCommand, runtimeName } from '../../helpers/requires.js'
import { projectRoot } from '../../helpers/tools.js'
import { makeImage } from './image.js'
import { image, Podman } from './podman.js'
import { Sandbox } from './sandbox.js'

/** An id that no distribution gives to anybody, and those that belong to it. */
const user = 54321
const subordinate = '600000:65536'

/** What it has of its own below /etc. */
const files = ['passwd', 'group', 'subuid', 'subgid']

/** A login session with a systemd of the user's, which makes the cgroups then. */
export interface Session {
  readonly environment: Readonly<Record<string, string>>
}

/** Without cgroups that are delegated to the user there is none to make a cgroup namespace for. */
const limits = '\n[containers]\ncgroupns = "host"\n'

/**
 * As root, in the sandbox's mount namespace: the user's entries, a runtime that the user can reach wherever the
 * checkout is, a procfs of the sandbox's own, since the host's may hide the processes of others (hidepid), and the
 * device of network tunnels for everybody, as distributions have it.
 */
const prepare = `
set -e
for name in ${files.join(' ')}; do mount --bind "$1/$name" /etc/$name; done
mount -t proc proc /proc
if [ -e /dev/net/tun ]; then
  mknod -m 666 "$1/tun" c 10 200
  mount --bind "$1/tun" /dev/net/tun
fi
for name in $3; do
  rm -f /usr/local/bin/$name
  touch /usr/local/bin/$name
  mount --bind "$2/$name" /usr/local/bin/$name
done
`

/** Podman without root; there is no daemon, but a process that keeps the user's namespace. */
export class RootlessPodman extends Podman {
  readonly #session: Session | undefined

  private constructor(sandbox: Sandbox, session: Session | undefined) {
    super(sandbox, session ? 'systemd' : 'cgroupfs')
    this.#session = session
  }

  /** Makes the user with its storage and imports the image. */
  static async startFor(session?: Session): Promise<RootlessPodman> {
    const sandbox = await Sandbox.start({ sharedRun: session !== undefined })
    const podman = new RootlessPodman(sandbox, session)
    sandbox.write('etc/passwd', `root:x:0:0::/root:/bin/sh\ntester:x:${user}:${user}::${sandbox.folder}/home:/bin/sh\n`)
    sandbox.write('etc/group', `root:x:0:\ntester:x:${user}:\n`)
    for (const name of ['subuid', 'subgid']) sandbox.write(`etc/${name}`, `tester:${subordinate}\n`)
    for (const name of ['storage', 'runroot', 'tmp', 'home', 'xdg']) {
      mkdirSync(sandbox.file(name), { mode: 0o700 })
      chownSync(sandbox.file(name), user, user)
    }
    const printed = readFileSync(join(projectRoot, 'docs/engines/containers.conf'), 'utf8')
    sandbox.write('containers.conf', (runtimeName() === 'tsrun' ? printed : '') + (session ? '' : limits))
    const [program] = runtimeCommand()
    const parts = runtimeName() === 'tsrun' ? 'tsrun' : ''
    const made = await sandbox.run('/bin/sh', ['-c', prepare, 'sh', sandbox.file('etc'), dirname(program), parts])
    assert.equal(made.status, 0, made.stderr)
    await podman.ok('import', '--change', 'CMD ["sh"]', makeImage(sandbox.file('image')), image)
    return podman
  }

  /** A podman command of the user, with the options for the storage. */
  override commandLine(args: readonly string[]): [string, ...string[]] {
    const ids = ['--reuid', `${user}`, '--regid', `${user}`, '--clear-groups', '--inh-caps=-all']
    const [podman, ...rest] = super.commandLine(['--storage-driver', 'vfs', ...args])
    return ['setpriv', ...ids, podman, ...rest]
  }

  /** Where the user's files are. */
  override get environment(): Record<string, string> {
    const home = this.sandbox.file('home')
    const own = { HOME: home, TMPDIR: home, XDG_RUNTIME_DIR: this.sandbox.file('xdg') }
    return { ...super.environment, ...own, ...this.#session?.environment }
  }

  override async clear(): Promise<void> {
    await this.ok('rm', '-f', '-a', '-t', '0', '-v')
  }

  override async close(): Promise<string[]> {
    // Ends the process that keeps the namespace.
    await this.command(['system', 'migrate'])
    await this.sandbox.run('umount', [
      ...files.map((name) => `/etc/${name}`),
      ...(existsSync('/dev/net/tun') ? ['/dev/net/tun'] : []),
    ])
    return super.close()
  }
}

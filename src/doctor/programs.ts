/** Doctor: the engines that are installed, whether they know tsrun, and programs that tsrun calls. */
import { ownProgram, readFileIfAny } from '../native/binding.js'
import { findProgram } from '../native/helper-process.js'
import { check, type Check, type Section } from './check.js'
import { installing } from './packages.js'

interface Engine {
  readonly name: string
  readonly program: string
  /** Where it is told of runtimes; `~` is the caller's home. */
  readonly files: readonly string[]
  /** How to point it here. */
  readonly point: (tsrun: string) => string
}

const engines: readonly Engine[] = [
  {
    name: 'Docker',
    program: 'dockerd',
    files: ['/etc/docker/daemon.json'],
    point: (tsrun) =>
      `in /etc/docker/daemon.json: { "runtimes": { "tsrun": { "path": "${tsrun}" } } }, then docker run --runtime tsrun`,
  },
  {
    name: 'podman',
    program: 'podman',
    files: ['/etc/containers/containers.conf', '~/.config/containers/containers.conf'],
    point: (tsrun) => `podman --runtime ${tsrun} run …`,
  },
  {
    name: 'containerd',
    program: 'containerd',
    files: ['/etc/containerd/config.toml'],
    point: (tsrun) => `ctr run --runc-binary ${tsrun} …; for a kubelet BinaryName in /etc/containerd/config.toml`,
  },
  {
    name: 'CRI-O',
    program: 'crio',
    files: ['/etc/crio/crio.conf', '/etc/crio/crio.conf.d/10-tsrun.conf'],
    point: (tsrun) => `in /etc/crio/crio.conf.d/10-tsrun.conf: [crio.runtime.runtimes.tsrun] runtime_path = "${tsrun}"`,
  },
  {
    name: 'BuildKit',
    program: 'buildkitd',
    files: ['/etc/buildkit/buildkitd.toml'],
    point: (tsrun) => `buildkitd --oci-worker-binary ${tsrun}`,
  },
]

const atHome = (file: string): string => file.replace(/^~/, process.env.HOME ?? '')

/** Engines of this host. One that is not installed is no fault. */
export function engineSection(): Section {
  const tsrun = ownPath()
  const checks = engines.flatMap((engine): Check[] => {
    const path = findProgram(engine.program, process.env.PATH)
    if (path === undefined) return []
    const knows = engine.files.some((file) => read(atHome(file))?.includes('tsrun') === true)
    return [
      knows
        ? check(engine.name, 'ok', `${path}, its configuration names tsrun`)
        : check(engine.name, 'partly', `${path}, its configuration does not name tsrun`, engine.point(tsrun)),
    ]
  })
  return { title: 'engines', checks: checks.length > 0 ? checks : [check('engines', 'ok', 'none is installed')] }
}

/** Programs that single commands call. */
export function toolSection(): Section {
  const tool = (name: 'criu' | 'ps', use: string): Check => {
    const path = findProgram(name, process.env.PATH)
    return check(name, path === undefined ? 'partly' : 'ok', path ?? `not installed: ${use}`, installing(name))
  }
  return {
    title: 'programs',
    checks: [tool('criu', 'no checkpoint and restore'), tool('ps', 'tsrun ps has --format json only')],
  }
}

/** A file of another user may be closed to this one. */
function read(path: string): string | undefined {
  try {
    return readFileIfAny(path)
  } catch {
    return undefined
  }
}

function ownPath(): string {
  const path = ownProgram()
  return path.endsWith('/node') || path.endsWith('/bun') ? '/usr/local/bin/tsrun' : path
}

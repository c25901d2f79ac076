/** Doctor: containers that are really run. tsrun itself is their program, since it needs no other file. */
import { exampleConfig } from '../config/example.js'
import type { Config } from '../config/types.js'
import { isTsrunError, messageChain } from '../errors.js'
import { isRootless } from '../host/facts.js'
import {
  closeFile,
  makeDirectory,
  microseconds,
  openFile,
  openFlag,
  ownProgram,
  processIds,
  removeDirectory,
  removeFile,
  writeFile,
} from '../native/binding.js'
import { CoreRuntime } from '../runtime.js'
import { check, type Check, type Section } from './check.js'

/** What each attempt asks for beside a plain container. */
const attempts: readonly (readonly [string, (config: Config) => Config])[] = [
  ['a container', (config) => config],
  [
    'with limits',
    (config) => ({
      ...config,
      linux: { ...config.linux, resources: { pids: { limit: 64n }, memory: { limit: 64n * 1024n * 1024n } } },
    }),
  ],
]

/** Runs the attempts in a folder of their own, and takes that away. */
export async function attemptSection(): Promise<Section> {
  const program = ownProgram()
  if (process.versions.quickjs === undefined) {
    return {
      title: 'attempts',
      checks: [check('a container', 'partly', 'not tried: this is not the static executable', 'npm run build')],
    }
  }
  const folder = `${process.env.TMPDIR ?? '/tmp'}/tsrun-doctor-${processIds().pid}`
  const folders = [folder, `${folder}/rootfs`, ...['proc', 'dev', 'sys'].map((name) => `${folder}/rootfs/${name}`)]
  const files = [`${folder}/config.json`, `${folder}/rootfs/tsrun`]
  try {
    for (const path of folders) makeDirectory(path, 0o755)
    writeFile(`${folder}/rootfs/tsrun`, '', openFlag.write | openFlag.create, 0o755)
    const checks: Check[] = []
    for (const [name, change] of attempts) checks.push(await attempt(name, folder, change(plain(program))))
    return { title: 'attempts', checks }
  } finally {
    for (const path of files) removeFile(path)
    for (const path of [...folders, `${folder}/state`].sort().reverse()) removeDirectory(path)
  }
}

function plain(program: string): Config {
  const { euid, egid } = processIds()
  const rootless = isRootless()
  const example = exampleConfig({ rootless, uid: euid, gid: egid })
  const self = { destination: '/tsrun', source: program, options: ['bind', 'ro'] }
  const process = { ...example.process, terminal: false, args: ['/tsrun', '--version'] }
  return { ...example, process, mounts: [...(example.mounts ?? []), self] }
}

async function attempt(name: string, folder: string, config: Config): Promise<Check> {
  const none = openFile('/dev/null', openFlag.readWrite)
  const began = microseconds()
  try {
    writeFile(`${folder}/config.json`, toJson(config), openFlag.write | openFlag.create | openFlag.truncate, 0o644)
    const runtime = new CoreRuntime({ root: `${folder}/state` })
    const status = await runtime.run(`doctor-${processIds().pid}`, { bundle: folder, stdio: [none, none, none] })
    const milliseconds = ((microseconds() - began) / 1000).toFixed(1)
    return status === 0
      ? check(name, 'ok', `created, started, run to its end and deleted in ${milliseconds} ms`)
      : check(name, 'missing', `its program ended with status ${status}`, 'tsrun --debug run, and a report')
  } catch (error) {
    const hint = isTsrunError(error) ? error.hint : undefined
    return check(
      name,
      name === 'a container' ? 'missing' : 'partly',
      messageChain(error),
      hint ?? 'see what is missing above',
    )
  } finally {
    closeFile(none)
  }
}

const toJson = (config: Config): string =>
  JSON.stringify(config, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))

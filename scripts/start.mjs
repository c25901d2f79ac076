// `npm start`: sets up, builds, and runs bundles/hello as a container. Plain Node, usable before `npm ci`.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ending, Failure, isMain, root, run, script } from './process.mjs'
import { setUp } from './setup.mjs'

const at = (path) => join(root, path)
const rounds = 10

async function main() {
  setUp('start')
  // An ordinary user has containers too: those whose root is that user.
  if (process.getuid() !== 0) return runRootless()
  run(at('bundles/hello/make-rootfs.sh'), [])
  const bundle = writeBundle()
  const tsrun = at('dist/tsrun')
  console.log(`\ndist/tsrun run --bundle bundles/hello hello\n`)
  call(tsrun, ['run', '--bundle', bundle, id('report')], { stdio: ['ignore', 'inherit', 'inherit'] })
  await printTimes(tsrun, bundle)
}

/** The bundle for an ordinary user, with that user's own ids; a session without XDG_RUNTIME_DIR keeps the state here. */
function runRootless() {
  run(at('bundles/rootless/make-rootfs.sh'), [])
  const config = JSON.parse(readFileSync(at('bundles/rootless/config.json'), 'utf8'))
  config.linux.uidMappings = [{ containerID: 0, hostID: process.getuid(), size: 1 }]
  config.linux.gidMappings = [{ containerID: 0, hostID: process.getgid(), size: 1 }]
  config.root.path = at('bundles/rootless/rootfs')
  const folder = at('build/bundles/rootless')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  const state = process.env.XDG_RUNTIME_DIR ? [] : ['--root', at('build/bundles/state')]
  console.log(`\ndist/tsrun run --bundle bundles/rootless hello\n`)
  call(at('dist/tsrun'), [...state, 'run', '--bundle', folder, id('rootless')], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  console.log(
    '\n  Without root. As root: sudo npm start. What this host offers: dist/tsrun doctor. Next: README.md, bundles/',
  )
}

const id = (purpose) => `hello-${purpose}-${process.pid}`

/** The bundle with the host's namespaces in the environment: the program can't see them from inside. */
function writeBundle() {
  const config = JSON.parse(readFileSync(at('bundles/hello/config.json'), 'utf8'))
  const namespaces = readdirSync('/proc/self/ns').map((name) => readlinkSync(`/proc/self/ns/${name}`))
  config.process.env.push(`HOST_NAMESPACES=${[...new Set(namespaces)].join(' ')}`)
  config.root.path = at('bundles/hello/rootfs')
  const folder = at('build/bundles/hello')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  return folder
}

/** Runs tsrun and returns the milliseconds from its start to its end. */
function call(tsrun, args, options = {}) {
  const begin = performance.now()
  const result = spawnSync(tsrun, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options })
  const time = performance.now() - begin
  if (result.error) throw new Failure(`cannot run ${tsrun}: ${result.error.message}`)
  if (result.status !== 0) throw new Failure(`tsrun ${args[0]}: ${ending(result)}`)
  return time
}

/** Times as a caller sees them: each includes the start of the tsrun process. */
async function printTimes(tsrun, bundle) {
  const times = { create: [], start: [], delete: [], run: [] }
  for (let round = 0; round < rounds; round++) {
    times.run.push(call(tsrun, ['run', '--bundle', bundle, id('timed')]))
    const steps = await lifeCycle(tsrun, bundle)
    for (const [name, time] of Object.entries(steps)) times[name].push(time)
  }
  const ms = (name) => `${median(times[name]).toFixed(1)} ms`
  console.log(`
  create        ${ms('create')}
  start         ${ms('start')}
  delete        ${ms('delete')}
  whole run     ${ms('run')}  (create, start, wait for the program's end, delete: one command)

  Medians of ${rounds}, each with the start of the tsrun process. Next: README.md, bundles/, npm test`)
}

/** The three commands that engines use, and the container's end in between. */
async function lifeCycle(tsrun, bundle) {
  const name = id('steps')
  const begin = performance.now()
  const create = spawn(tsrun, ['create', '--bundle', bundle, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  // The container has the pipe as its standard output: it closes when the program has ended.
  const over = new Promise((resolve) => create.stdout.on('close', resolve).resume())
  const status = await new Promise((resolve) => create.on('exit', (code, signal) => resolve({ status: code, signal })))
  const created = performance.now() - begin
  if (status.status !== 0) throw new Failure(`tsrun create: ${ending(status)}`)
  const started = call(tsrun, ['start', name])
  await over
  return { create: created, start: started, delete: call(tsrun, ['delete', '--force', name]) }
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]

if (isMain(import.meta.url)) await script(main)

// Images: tsrun beside umoci (and `run --image` beside `run`): the same tree, time and memory.
// usage: node bench/images.mjs LAYOUT:TAG     (as root; an OCI layout with an image that has a shell)
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure, root, run, script } from '../scripts/process.mjs'
import { findProgram } from '../scripts/tools.mjs'
import { measurer } from './runtimes.mjs'

const rounds = Number(process.env.ROUNDS ?? 5)
const tsrun = join(root, 'dist/tsrun')

function umociPath() {
  const path = findProgram('umoci')
  if (path === undefined) throw new Failure('umoci is not installed')
  return path
}

/** Everything that a tree says: names, types, modes, owners, times, links, attributes, contents. */
function fingerprint(folder) {
  const tar =
    'tar --sort=name --format=posix --pax-option=delete=atime,delete=ctime,exthdr.name=x --numeric-owner --xattrs ' +
    '--xattrs-include=\'*\' --warning=no-file-ignored -C "$0" -cf - . | sha256sum'
  const { stdout, status } = spawnSync('sh', ['-c', tar, folder], { encoding: 'utf8' })
  if (status !== 0) throw new Failure(`cannot read ${folder}`)
  return stdout.slice(0, 16)
}

const median = (values) => [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)]

/** Medians of some rounds, each with what `prepare` makes and `clean` removes. */
function measured(measure, name, commands, clean) {
  const results = []
  for (let round = 0; round < rounds; round++) {
    run('sync', [])
    const all = commands(round).map(([program, args]) => measure(program, args))
    results.push({
      ms: all.reduce((sum, { ms }) => sum + ms, 0),
      cpu: all.reduce((sum, { cpu }) => sum + cpu, 0),
      memory: Math.max(...all.map(({ memory }) => memory)),
    })
    clean(round)
  }
  const [ms, cpu, memory] = ['ms', 'cpu', 'memory'].map((key) => median(results.map((one) => one[key])))
  console.log(
    `${name.padEnd(44)} ${ms.toFixed(1).padStart(9)} ms ${cpu.toFixed(1).padStart(9)} ms CPU ${(memory / 1024).toFixed(1).padStart(7)} MiB`,
  )
  return ms
}

async function main([image]) {
  if (image === undefined) throw new Failure('usage: node bench/images.mjs LAYOUT:TAG')
  const layout = image.slice(0, image.lastIndexOf(':'))
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-bench-'))
  const at = (name) => join(folder, name)
  const measure = measurer(folder)
  const store = ['--image-root', at('store')]
  const remove = (name) => rmSync(at(name), { recursive: true, force: true })
  const bundle = (name) => [tsrun, ['bundle', 'create', ...store, 'bench', at(name), 'sh', '-c', 'true']]
  const unbundle = (name) => run(tsrun, ['bundle', 'delete', at(name)])
  try {
    const umoci = measured(
      measure,
      'umoci unpack',
      () => [[umociPath(), ['unpack', '--image', image, at('umoci')]]],
      (round) => round < rounds - 1 && remove('umoci'),
    )
    const first = measured(
      measure,
      'tsrun image import, bundle create',
      () => [[tsrun, ['image', 'import', ...store, '--name', 'bench', layout]], bundle('bundle')],
      (round) => {
        if (round === rounds - 1) return
        unbundle('bundle')
        remove('store')
      },
    )
    console.log(`${' '.repeat(44)} ${(first / umoci).toFixed(2).padStart(9)} of umoci`)
    const [one, other] = [at('umoci/rootfs'), at('bundle/rootfs')].map(fingerprint)
    console.log(`trees of umoci and tsrun: ${one} ${other}: ${one === other ? 'the same' : 'NOT the same'}`)
    measured(
      measure,
      'tsrun bundle create, a second one',
      () => [bundle('second')],
      () => unbundle('second'),
    )
    measured(
      measure,
      'tsrun run --bundle',
      (round) => [[tsrun, ['run', '--bundle', at('bundle'), `bench-${round}`]]],
      () => undefined,
    )
    measured(
      measure,
      'tsrun run --image',
      () => [[tsrun, ['run', ...store, '--image', 'bench', 'sh', '-c', 'true']]],
      () => undefined,
    )
    if (one !== other) process.exitCode = 1
  } finally {
    for (const name of ['bundle', 'second']) if (existsSync(at(name))) unbundle(name)
    rmSync(folder, { recursive: true, force: true })
  }
}

await script(main)

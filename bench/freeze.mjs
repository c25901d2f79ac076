// For how long is a container frozen while it is written to files: at once, or after two pre-dumps of its memory?
// usage (as root): node bench/freeze.mjs [MIB]      where CRIU can track memory (criu check --feature mem_dirty_track), else
//   VMRUN_CACHE=~/.cache/tsrun-vm test/vm/vmrun -m 5G --timeout 3000 -- env TMPDIR=/run node bench/freeze.mjs [MIB]
// in the tests' virtual machine, where everything takes longer, for both runtimes.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fetchCriu } from '../scripts/criu.mjs'
import { Failure, output, root, run, script } from '../scripts/process.mjs'
import { findProgram } from '../scripts/tools.mjs'
import { runtimes } from './runtimes.mjs'

/** Holds so many MiB and goes on writing to a tenth of them, one MiB in each hundredth of a second. */
const program = `
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
int main(int argc, char** argv) {
  size_t size = (size_t)atoi(argv[1]) << 20;
  char* memory = malloc(size);
  for (size_t at = 0; at < size; at += 4096) memset(memory + at, (int)(at >> 12) | 1, 4096);
  close(open("/full", O_WRONLY));
  struct timespec pause = {0, 10000000};
  size_t hot = size / 10 >> 20 << 20;
  for (size_t at = 0;; at = (at + (1 << 20)) % hot) {
    memset(memory + at, (int)at, 1 << 20);
    nanosleep(&pause, NULL);
  }
}
`

/** How often each is measured, in turn. */
const turns = 3

/** The rounds of each way to write; all but the last are pre-dumps. */
const ways = { 'at once': ['last'], 'after two pre-dumps': ['first', 'second', 'last'] }

async function main([size = '500']) {
  if (process.getuid() !== 0) throw new Failure('checkpoints take root')
  const env = { ...process.env, PATH: `${fetchCriu()}:${process.env.PATH}` }
  const tracks = spawnSync('criu', ['check', '--feature', 'mem_dirty_track'], { env })
  if (tracks.status !== 0) throw new Failure('CRIU cannot track memory on this kernel (mem_dirty_track)')
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-freeze-'))
  try {
    console.log(
      `Linux ${output('uname', ['-r']).trim()}, ${size} MiB; milliseconds frozen (median of ${turns} turns, least to most), MiB written`,
    )
    const bundle = makeBundle(folder, size)
    const compared = runtimes().filter(({ name }) => name === 'tsrun' || name === 'runc')
    const figures = new Map()
    for (let turn = 0; turn < turns; turn++)
      for (const { name, path } of compared)
        for (const [way, rounds] of Object.entries(ways)) {
          const label = `${name.padEnd(6)} ${way.padEnd(20)}`
          const measured = measure({ path, bundle, rounds, env, folder: join(folder, `${name}-${rounds.length}`) })
          figures.set(label, [...(figures.get(label) ?? []), measured])
        }
    for (const [label, all] of figures)
      console.log(label + all[0].map((_, at) => describe(all.map((rounds) => rounds[at]))).join('   '))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The turn with the median of the times, and the shortest and the longest. */
function describe(turns) {
  const sorted = turns.toSorted((a, b) => a.frozen - b.frozen)
  const ms = ({ frozen }) => (frozen / 1000).toFixed(0)
  const median = sorted[sorted.length >> 1]
  return `${ms(median)} ms (${ms(sorted[0])} to ${ms(sorted.at(-1))}), ${((median.written * 4096) / 1048576).toFixed(0)}`
}

function makeBundle(folder, size) {
  const bundle = join(folder, 'bundle')
  mkdirSync(join(bundle, 'rootfs/bin'), { recursive: true })
  mkdirSync(join(bundle, 'rootfs/proc'))
  mkdirSync(join(bundle, 'rootfs/dev'))
  run('mkfifo', [join(bundle, 'rootfs/full')])
  writeFileSync(join(folder, 'busy.c'), program)
  run(findProgram('musl-gcc') ?? 'cc', [
    '-static',
    '-O1',
    join(folder, 'busy.c'),
    '-o',
    join(bundle, 'rootfs/bin/busy'),
  ])
  run(join(root, 'dist/tsrun'), ['spec', '--bundle', bundle])
  const file = join(bundle, 'config.json')
  const config = JSON.parse(readFileSync(file, 'utf8'))
  Object.assign(config.process, { terminal: false, args: ['/bin/busy', size] })
  writeFileSync(file, JSON.stringify(config))
  return bundle
}

/** Runs a container and writes it to files, round by round. */
function measure({ path, bundle, rounds, env, folder }) {
  const id = `freeze-${process.pid}`
  const call = (...args) => {
    const all = ['--root', join(folder, 'state'), ...args]
    const { status, stderr } = spawnSync(path, all, { env, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' })
    if (status !== 0) throw new Failure(`${path} ${args.join(' ')}: status ${status}: ${stderr}`)
  }
  mkdirSync(folder)
  // Its standard error must be none that the runtime's caller reads: CRIU restores no pipe of others.
  const line = 'exec "$@" </dev/null >/dev/null 2>&1'
  run('sh', ['-c', line, 'sh', path, '--root', join(folder, 'state'), 'run', '-d', '--bundle', bundle, id])
  try {
    readFileSync(join(bundle, 'rootfs/full'))
    return rounds.map((round, at) => {
      const images = join(folder, round)
      const parent = at === 0 ? [] : ['--parent-path', `../${rounds[at - 1]}`]
      const kind = at === rounds.length - 1 ? [] : ['--pre-dump']
      call('checkpoint', ...kind, '--image-path', images, '--work-path', images, ...parent, id)
      return readStats(join(images, 'stats-dump'))
    })
  } finally {
    spawnSync(path, ['--root', join(folder, 'state'), 'delete', '-f', id])
    rmSync(folder, { recursive: true, force: true })
  }
}

/** CRIU's stats.proto behind 12 bytes of magics and size: frozen_time (2) in microseconds and pages_written (7) of dump (1). */
function readStats(file) {
  const bytes = readFileSync(file).subarray(12)
  let at = 0
  const varint = () => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++]
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  const values = new Map()
  varint()
  for (const end = varint() + at; at < end;) {
    const field = varint() >> 3
    values.set(field, varint())
  }
  return { frozen: values.get(2) ?? 0, written: values.get(7) ?? 0 }
}

await script(() => main(process.argv.slice(2)))

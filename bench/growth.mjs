// How does the time of `run` grow with mounts, devices, environment, masked paths and rules of the filter, beside the others?
// usage (as root): node bench/growth.mjs [ROUNDS]
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure, isMain, root, script } from '../scripts/process.mjs'
import { makeEngineBundle } from './engine-bundle.mjs'
import { summary, table } from './report.mjs'
import { measurer, runtimes } from './runtimes.mjs'

const counts = [1, 10, 100, 1000]

/** What is added to a bundle's config, so many times. */
const kinds = {
  mounts: (config, count, folder) => {
    for (let i = 0; i < count; i++) {
      mkdirSync(join(folder, `source/${i}`), { recursive: true })
      config.mounts.push({
        destination: `/m/${i}`,
        type: 'bind',
        source: join(folder, `source/${i}`),
        options: ['bind'],
      })
    }
  },
  tmpfs: (config, count) => {
    for (let i = 0; i < count; i++) config.mounts.push({ destination: `/t/${i}`, type: 'tmpfs', source: 'tmpfs' })
  },
  devices: (config, count) => {
    config.linux.devices = Array.from({ length: count }, (_, i) => ({
      ...{ path: `/dev/d${i}`, type: 'c', major: 1, minor: 3 },
      ...{ fileMode: 0o666, uid: 0, gid: 0 },
    }))
  },
  variables: (config, count) => {
    for (let i = 0; i < count; i++) config.process.env.push(`VARIABLE_${i}=value`)
  },
  'masked paths': (config, count, folder) => {
    mkdirSync(join(folder, 'rootfs/masked'), { recursive: true })
    for (let i = 0; i < count; i++) {
      writeFileSync(join(folder, `rootfs/masked/${i}`), '')
      config.linux.maskedPaths.push(`/masked/${i}`)
    }
  },
  'seccomp rules': (config, count) => {
    for (let i = 0; i < count; i++) {
      config.linux.seccomp.syscalls.push({
        ...{ names: ['ioctl'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 },
        args: [{ index: 1, value: 0x7000 + i, op: 'SCMP_CMP_EQ' }],
      })
    }
  },
}

function bundle(folder, name, kind, count) {
  const path = makeEngineBundle(folder, { name, args: ['true'] })
  const file = join(path, 'config.json')
  const config = JSON.parse(readFileSync(file, 'utf8'))
  kinds[kind](config, count, folder)
  writeFileSync(file, JSON.stringify(config))
  return path
}

/** Medians of `run` for each runtime; the first round warms caches and isn't counted. */
function growth({ folder, measure, all }, kind, count, rounds) {
  const times = new Map(all.map(({ name }) => [name, []]))
  const name = `growth-${process.pid}`
  const path = bundle(join(folder, `${kind}-${count}`), name, kind, count)
  for (let round = -1; round < rounds; round++) {
    for (const runtime of all) {
      const { ms } = measure(runtime.path, ['run', '--bundle', path, name])
      if (round >= 0) times.get(runtime.name).push(ms)
    }
  }
  return { name: `${count} ${kind}`, values: Object.fromEntries([...times].map(([one, list]) => [one, summary(list)])) }
}

/** crun takes a hybrid host for a v1 one only when the unified hierarchy is out of sight: so for all. */
function inOwnNamespace(args) {
  const hide = 'if [ -e /sys/fs/cgroup/unified ]; then umount /sys/fs/cgroup/unified; fi; exec "$@"'
  const self = [process.execPath, join(root, 'bench/growth.mjs'), ...args]
  const env = { ...process.env, BENCH_INSIDE: '1' }
  return spawnSync('unshare', ['-m', 'sh', '-c', hide, 'sh', ...self], { stdio: 'inherit', env }).status
}

function main(args) {
  if (process.getuid() !== 0) throw new Failure('running containers takes root')
  if (process.env.BENCH_INSIDE !== '1') return inOwnNamespace(args)
  const rounds = Number(args[0] ?? 7)
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-growth-'))
  const bench = { folder, measure: measurer(folder), all: runtimes() }
  const names = bench.all.map(({ name }) => name)
  try {
    console.log(`${cpus()[0].model}, load ${loadavg()[0].toFixed(1)}, ${new Date().toISOString().slice(0, 10)}`)
    for (const kind of Object.keys(kinds)) {
      const rows = counts.map((count) => growth(bench, kind, count, count > 100 ? Math.ceil(rounds / 2) : rounds))
      console.log(`\n${table('run, ms', rows, names)}`)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return 0
}

if (isMain(import.meta.url)) await script(main)

// How long after an OOM kill does `tsrun events` tell it? Measured against the container's shell, which sees its child end.
// usage (as root): node bench/oom-event.mjs [KILLS]
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Failure, root, script } from '../scripts/process.mjs'
import { staticBusybox } from '../scripts/tools.mjs'

const tsrun = join(root, 'dist/tsrun')
const id = `oom-event-${process.pid}`
const limit = 8 << 20

async function main([kills = '8']) {
  if (process.getuid() !== 0) throw new Failure('running containers takes root')
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-oom-'))
  try {
    makeBundle(folder)
    await measure(folder, Number(kills))
  } finally {
    spawnSync(tsrun, ['delete', '--force', id])
    rmSync(folder, { recursive: true, force: true })
  }
}

function makeBundle(folder) {
  mkdirSync(join(folder, 'rootfs/bin'), { recursive: true })
  const busybox = staticBusybox()
  if (!busybox) throw new Failure('a static busybox is needed')
  for (const name of ['sh', 'tail']) cpSync(busybox, join(folder, 'rootfs/bin', name))
  const program = 'echo ready; while read _; do /bin/tail /dev/zero 2> /dev/null; echo killed; done'
  const config = {
    ociVersion: '1.0.2',
    root: { path: 'rootfs' },
    process: { user: { uid: 0, gid: 0 }, args: ['/bin/sh', '-c', program], cwd: '/', env: [] },
    linux: {
      namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
      resources: { memory: { limit, swap: limit } },
    },
  }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
}

/** Lines of a stream with the moment, in milliseconds, at which they came. */
async function* timedLines(stream) {
  for await (const line of createInterface({ input: stream })) yield { line, at: performance.now() }
}

async function measure(folder, kills) {
  const container = spawn(tsrun, ['run', '--bundle', folder, id], { stdio: ['pipe', 'pipe', 'ignore'] })
  const said = timedLines(container.stdout)
  await said.next()
  // The first statistics say that it listens.
  const events = spawn(tsrun, ['events', '--interval', '100ms', id], { stdio: ['ignore', 'pipe', 'inherit'] })
  const told = timedLines(events.stdout)
  await told.next()
  for (let kill = 0; kill < kills; kill++) {
    container.stdin.write('\n')
    const [seen, notice] = await Promise.all([said.next(), noticeOf(told)])
    console.log(`${notice.line}  ${(notice.at - seen.value.at).toFixed(2)} ms after the shell has seen its child end`)
  }
  container.stdin.end()
}

async function noticeOf(lines) {
  for (;;) {
    const { value, done } = await lines.next()
    if (done) throw new Failure('events has ended')
    if (JSON.parse(value.line).type === 'oom') return value
  }
}

await script(main)

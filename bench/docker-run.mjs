// How long does `docker run --rm busybox true` take with tsrun and with runc, in turn, on one daemon?
// usage (as root): node bench/docker-run.mjs [RUNS]      needs what the engines lane of the tests installs
import { cpus } from 'node:os'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, output, root, script } from '../scripts/process.mjs'

async function main([runs = '100']) {
  if (process.getuid() !== 0) throw new Failure('running containers takes root')
  const support = join(root, 'build/test/engines/support/docker.js')
  if (!existsSync(support)) throw new Failure('the tests are not built: run npm run test:engines before')
  const { Docker, image } = await import(support)
  const docker = await Docker.start()
  try {
    const names = [docker.runtimeName, 'reference-runc']
    const times = new Map(names.map((name) => [name, []]))
    const network = ['--network', 'none']
    // The first two of each warm the caches.
    for (let i = -2; i < Number(runs); i++) {
      for (const name of names) {
        const began = performance.now()
        await docker.run('--runtime', name, ...network, image, 'true')
        if (i >= 0) times.get(name).push(performance.now() - began)
      }
    }
    console.log(`${cpus().length} × ${cpus()[0].model}, Linux ${output('uname', ['-r']).trim()}`)
    console.log(`docker run --rm ${network.join(' ')} ${image} true, ${runs} times each, in turn, ms:`)
    for (const [name, list] of times) console.log(`  ${name.padEnd(16)}${describe(list)}`)
  } finally {
    await docker.close()
  }
}

function describe(list) {
  const sorted = [...list].sort((a, b) => a - b)
  const mean = list.reduce((sum, time) => sum + time, 0) / list.length
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  const numbers = { mean, min: sorted[0], median: at(0.5), p95: at(0.95), max: sorted.at(-1) }
  return Object.entries(numbers)
    .map(([name, time]) => `${name} ${time.toFixed(1)}`)
    .join('  ')
}

await script(main)

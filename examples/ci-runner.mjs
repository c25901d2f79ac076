// Runs the steps of a file one after the other, each in a container of its own, with a workspace that they share.
// usage: node examples/ci-runner.mjs STEPS.yaml WORKSPACE [ROOT]     exit status: that of the step that failed, else 0
//
//   - name: build
//     run: |
//       echo built > result
//   - name: test
//     run: cat result
import { chownSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { run, Runtime } from 'tsrun'

const [file, workspace, root] = process.argv.slice(2)
if (file === undefined || workspace === undefined) {
  console.error('usage: ci-runner.mjs STEPS.yaml WORKSPACE [ROOT]')
  process.exit(2)
}
const runtime = new Runtime(root === undefined ? {} : { root })
/** Who owns the workspace while the steps run. */
const user = { uid: 65534, gid: 65534 }

/** So much of YAML as steps need: a list of maps, with plain texts and `|` blocks. Throws for all else. */
function parseSteps(text) {
  const steps = []
  let block
  for (const [index, line] of text.split('\n').entries()) {
    if (block !== undefined && (line.trim() === '' || line.startsWith(' '.repeat(block.indent + 1)))) {
      block.lines.push(line)
      continue
    }
    block = undefined
    if (/^\s*(#.*)?$/.test(line)) continue
    const [, start, key, value] = /^(- | {2})(\w+): *(.*)$/.exec(line) ?? []
    if (key === undefined) throw new SyntaxError(`${file}:${index + 1}: not understood: ${line}`)
    if (start === '- ') steps.push({})
    const step = steps.at(-1)
    if (value === '|') {
      block = { indent: 2, lines: [] }
      step[key] = block
    } else step[key] = value.replace(/^(["'])(.*)\1$/, '$2')
  }
  return steps.map((step) => Object.fromEntries(Object.entries(step).map(([key, value]) => [key, asText(value)])))
}

const asText = (value) =>
  typeof value === 'string' ? value : value.lines.map((line) => line.slice(value.indent + 2)).join('\n')

const colour = process.stdout.isTTY ? (code, text) => `\x1b[${code}m${text}\x1b[0m` : (_, text) => text

async function runStep({ name, run: script }) {
  console.log(colour(1, `=== ${name}`))
  const write = (stream, chunk) => (stream === 'stdout' ? process.stdout : process.stderr).write(chunk)
  const { exit } = await run({
    ...{ rootfs: 'host', args: ['sh', '-ec', script], cwd: '/workspace', user, runtime, onOutput: write },
    mounts: [
      { destination: '/workspace', type: 'bind', source: resolve(workspace), options: ['bind', 'nosuid', 'nodev'] },
    ],
    limits: { memory: '1G', time: '10m' },
  })
  const good = exit.code === 0
  const how = good
    ? 'ok'
    : exit.timedOut
      ? 'out of time'
      : exit.oom
        ? 'out of memory'
        : `failed (${exit.code ?? exit.signal})`
  console.log(colour(good ? 32 : 31, `--- ${name}: ${how}, ${(exit.duration / 1000).toFixed(1)} s`))
  return good ? 0 : (exit.code ?? 128 + exit.signal)
}

chownSync(workspace, user.uid, user.gid)
for (const step of parseSteps(readFileSync(file, 'utf8'))) {
  process.exitCode = await runStep(step)
  if (process.exitCode !== 0) break
}

// Draws docs/pictures from real runs: `top` at a terminal, the page of a trace, the page of the sandbox server.
// usage: node scripts/pictures.mjs        Needs root, tmux and Chromium; bench.svg is drawn by bench/run.mjs.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { isMain, output, root, run, script } from './process.mjs'
import { setUp } from './setup.mjs'
import { findProgram } from './tools.mjs'

const pictures = join(root, 'docs/pictures')
const tsrun = join(root, 'dist/tsrun')

/** A bundle of a program with busybox. */
function makeBundle(folder, program, limit) {
  mkdirSync(join(folder, 'rootfs'), { recursive: true })
  run(join(root, 'bundles/busybox-rootfs.sh'), [join(folder, 'rootfs')])
  run(tsrun, ['spec', '--bundle', folder])
  const file = join(folder, 'config.json')
  const config = JSON.parse(readFileSync(file, 'utf8'))
  config.process.terminal = false
  config.process.args = ['sh', '-c', program]
  if (limit !== undefined) config.linux.resources = { ...config.linux.resources, memory: { limit } }
  config.mounts.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs' })
  writeFileSync(file, JSON.stringify(config))
  return folder
}

/** What the containers of the picture do. */
const busy = {
  'api-7f9c': { program: 'head -c 52m /dev/zero > /tmp/x; while :; do i=$((i+1)); done', limit: 64 << 20 },
  'batch-41': { program: 'head -c 30m /dev/zero > /tmp/x; while :; do usleep 20000; done', limit: 128 << 20 },
  cache: { program: 'head -c 90m /dev/zero > /tmp/x; sleep 1000', limit: 256 << 20 },
  db: { program: 'head -c 12m /dev/zero > /tmp/x; while :; do usleep 90000; done' },
  'ingest-2': { program: 'while :; do sleep 1000 & sleep 1000 & wait; done', limit: 32 << 20 },
  web: { program: 'sleep 1000' },
}

async function drawTop(work, open) {
  const state = join(work, 'state')
  const call = (...args) => run(tsrun, ['--root', state, ...args])
  const socket = join(work, 'tmux')
  const env = { ...process.env, NO_COLOR: '', LC_ALL: 'C.UTF-8', TERM: 'xterm-256color' }
  const tmux = (...args) => spawnSync('tmux', ['-u', '-S', socket, ...args], { encoding: 'utf8', env }).stdout
  try {
    for (const [id, { program, limit }] of Object.entries(busy))
      call('run', '--detach', '--bundle', makeBundle(join(work, id), program, limit), id)
    tmux('-f', '/dev/null', 'new-session', '-d', '-x', '92', '-y', '11', `${tsrun} --root ${state} top`)
    // Two refreshes: rates need one before.
    await delay(5000)
    await picture(open, terminalPage(tmux('capture-pane', '-p', '-e')), 'top.png', 'pre')
  } finally {
    tmux('kill-server')
    for (const id of Object.keys(busy)) spawnSync(tsrun, ['--root', state, 'delete', '--force', id])
  }
}

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
const attributes = { 1: 'b', 2: 'd', 7: 'v' }
const colours = { 31: 'r', 32: 'g', 33: 'y', 36: 'c' }

/** What tmux captured, with its escape sequences for colours, as a page. */
function terminalPage(captured) {
  const text = captured.trimEnd().replace(/[&<>]/g, (character) => escapes[character])
  let attribute = ''
  let colour = ''
  const html = text.replace(/\x1b\[([\d;]*)m/g, (_, codes) => {
    for (const code of codes.split(';')) {
      if (code === '0' || code === '') attribute = colour = ''
      else if (code === '39') colour = ''
      else if (attributes[code]) attribute = attributes[code]
      else colour = colours[code] ?? colour
    }
    return `</span><span class="${attribute} ${colour}">`
  })
  return `<!doctype html><meta charset="utf-8"><style>
    body { margin: 0 } pre { display: inline-block; margin: 0; padding: 14px 18px; font: 15px/1.35 'DejaVu Sans Mono', monospace;
      background: #16191f; color: #d6dae2 }
    .b { font-weight: bold; color: #fff } .d { color: #8a93a3 } .v { background: #d6dae2; color: #16191f }
    .r { color: #f07178 } .g { color: #8fc76b } .y { color: #e6c05c } .c { color: #6cc3d5 }</style><pre><span>${html}</span></pre>`
}

async function drawTrace(work, open) {
  const html = join(work, 'trace.html')
  const bundle = makeBundle(join(work, 'traced'), 'true')
  const durations = Array.from({ length: 8 }, (_, round) => {
    const file = join(work, `trace-${round}.json`)
    run(tsrun, ['--root', join(work, 'state'), 'run', '--trace', file, '--bundle', bundle, `picture-${round}`])
    const { traceEvents } = JSON.parse(readFileSync(file, 'utf8'))
    return { file, took: traceEvents.find(({ cat }) => cat === 'command').dur }
  })
  // The least disturbed one.
  const [{ file }] = durations.sort((one, other) => one.took - other.took)
  run(tsrun, ['trace', file, '--html', html])
  await picture(open, readFileSync(html, 'utf8'), 'trace.png')
}

async function drawSandbox(work, open) {
  const server = spawn(process.execPath, [join(root, 'examples/sandbox-server.mjs'), '0', join(work, 'sandbox')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const { value: address } = await createInterface({ input: server.stdout })[Symbol.asyncIterator]().next()
    const page = await open()
    await page.goto(address)
    await page.getByLabel('Language').selectOption('sh')
    await page
      .getByLabel('A snippet')
      .fill('echo hello from $(id -un), process $$\ncat /etc/shadow\nfor i in 1 2 3; do sleep 0.2; echo step $i; done')
    await page.getByRole('button', { name: 'Run' }).click()
    await page.getByText(/^exit: /).waitFor()
    await page.locator('body').screenshot({ path: join(pictures, 'sandbox.png') })
  } finally {
    server.kill('SIGTERM')
  }
}

/** A picture of a page, or of an element of it. */
async function picture(open, html, name, element) {
  const page = await open()
  await page.setContent(html)
  const path = join(pictures, name)
  await (element === undefined ? page : page.locator(element)).screenshot({ path })
}

async function main() {
  setUp('start', { tools: ['test', 'browser'] })
  const { chromium } = await import('playwright-core')
  const executablePath = ['chromium-headless-shell', 'chromium'].map(findProgram).find(Boolean)
  const browser = await chromium.launch({ executablePath, chromiumSandbox: false })
  const open = () => browser.newPage({ viewport: { width: 900, height: 560 } })
  const work = mkdtempSync(join(tmpdir(), 'tsrun-pictures-'))
  mkdirSync(pictures, { recursive: true })
  try {
    for (const draw of [drawTop, drawTrace, drawSandbox]) await draw(work, open)
  } finally {
    await browser.close()
    rmSync(work, { recursive: true, force: true })
  }
  console.log(output('ls', ['-l', pictures]))
}

if (isMain(import.meta.url)) await script(main)

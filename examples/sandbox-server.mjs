// An HTTP service that runs submitted snippets, each in a sandbox of its own, and shows their output as it comes.
// usage: node examples/sandbox-server.mjs [PORT [ROOT]]     (as root, or as whoever may make containers)
import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { isTsrunError, run, Runtime } from 'tsrun'

const [port = '8080', root] = process.argv.slice(2)
const runtime = new Runtime(root === undefined ? {} : { root })
const page = await readFile(new URL('sandbox-server.html', import.meta.url))

/** How a snippet is run with the host's programs. */
const languages = {
  sh: (code) => ['sh', '-c', code],
  node: (code) => ['node', '--eval', code],
  python: (code) => ['/usr/bin/python3', '-c', code],
}
const limits = { memory: '128M', cpus: 1, pids: 32, time: '5s', output: '64K' }
const longestSnippet = 64 * 1024

/** So many run at a time; the others wait in the order in which they came. */
let free = 2 * availableParallelism()
const waiting = []
async function inTurn(work) {
  if (free === 0) await new Promise((resolve) => waiting.push(resolve))
  else free--
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else free++
  }
}

async function bodyOf(request) {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) {
    body += chunk
    if (body.length > longestSnippet) throw new RangeError('the snippet is too long')
  }
  return JSON.parse(body)
}

/** Answers with server-sent events: `step` (timeline), `stdout`, `stderr`, `exit` or `error`. */
async function serveRun(request, response) {
  const { language, code } = await bodyOf(request)
  if (!Object.hasOwn(languages, language) || typeof code !== 'string')
    throw new TypeError('no such language, or no code')
  const began = performance.now()
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  const send = (event, data) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  const step = (name) => send('step', { name, ms: Math.round(performance.now() - began) })
  step('queued')
  try {
    await inTurn(async () => {
      step('started')
      const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() }
      const { exit, cut } = await run({
        ...{ rootfs: 'host', args: languages[language](code), limits, runtime, signal: gone.signal },
        onOutput: (stream, chunk) => send(stream, decoders[stream].decode(chunk, { stream: true })),
      })
      step('ended')
      send('exit', { ...exit, cut })
    })
  } catch (error) {
    if (!gone.signal.aborted) send('error', isTsrunError(error) ? error.message : 'internal error')
  }
  response.end()
}

const server = createServer((request, response) => {
  if (request.method === 'POST' && request.url === '/run') {
    serveRun(request, response).catch((error) => response.writeHead(400).end(`${error.message}\n`))
  } else if (request.method === 'GET' && request.url === '/') {
    const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy }).end(page)
  } else response.writeHead(404).end()
})
server.listen(Number(port), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`))
process.once('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
})

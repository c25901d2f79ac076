/** CRIU: a service that never answers. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { callCriu } from '#dist/criu/service.js'
import { blockingWaiter } from '#dist/native/wait.js'

t.test('criu that does not answer in time is killed, and the error says what it may have waited for', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-criu-'))
  const path = process.env.PATH
  t.teardown(() => {
    process.env.PATH = path
    rmSync(folder, { recursive: true, force: true })
  })
  writeFileSync(join(folder, 'criu'), `#!/bin/sh\necho $$ >'${folder}/pid'\nexec /bin/sleep 1000\n`)
  chmodSync(join(folder, 'criu'), 0o755)
  process.env.PATH = folder
  const call = { descriptors: [0, 1, 2], logFile: join(folder, 'log'), waiter: blockingWaiter } as const
  const began = performance.now()
  await t.rejects(callCriu({ ...call, type: 'restore', limit: 1000, waitsFor: 'criu lazy-pages' }), {
    code: 'ERR_TSRUN_CRIU',
    message: /^criu restore has not answered within 1 s \(it may wait for criu lazy-pages\) and was killed/,
  })
  t.ok(performance.now() - began < 5000, 'killed at once')
  t.notOk(existsSync(`/proc/${readFileSync(join(folder, 'pid'), 'utf8').trim()}`), 'and reaped')
})

import { spawn } from 'node:child_process'
import { fstatSync } from 'node:fs'
import t from 'tap'
import { closeFile, openProcess } from '#dist/native/binding.js'
import { blockingWaiter } from '#dist/native/wait.js'
import { InitProcess } from '#dist/launch/init-process.js'

const isClosed = (fd: number): boolean => {
  try {
    fstatSync(fd)
    return false
  } catch {
    return true
  }
}

t.test('init is the first child that is reported, a second one is refused and its descriptor closed', async (t) => {
  const init = new InitProcess(blockingWaiter)
  const cloned = spawn('true', { stdio: 'ignore' })
  cloned.unref() // it is reaped here, so that Node.js would wait for its end for ever
  const { pid = 0 } = cloned
  const first = openProcess(pid)
  init.adopt({ pid, pidfd: first, sync: -1 })
  const child = openProcess(process.pid)
  t.teardown(() => closeFile(child))
  await init.adoptChild(process.pid, child)
  t.ok(isClosed(first), 'the process that has forked is done with')
  const second = openProcess(process.ppid)
  await t.rejects(init.adoptChild(process.ppid, second), { code: 'ERR_TSRUN_PROTOCOL', message: /second process/ })
  t.ok(isClosed(second))
  t.match(init, { pid: process.pid, pidfd: child })
})

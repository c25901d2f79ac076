/** The status of a container follows from its process and its files; a pid that is another process's now is nobody. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readProcessStat } from '#dist/native/binding.js'
import { liveProcess, observeStatus } from '#dist/state/observe.js'
import type { StateRecord } from '#dist/state/record.js'
import { parseContainerId } from '#dist/state/store.js'
import { recordOf, storeOf } from './support.js'

const id = parseContainerId('one')

t.test('the process of a record is that of its pid and its start time', async (t) => {
  const { startTime = '' } = readProcessStat(process.pid) ?? {}
  t.ok(liveProcess(recordOf({ pid: process.pid, startTime })))
  t.equal(liveProcess(recordOf({ pid: process.pid, startTime: '1' })), undefined, 'the pid was used again')
  t.equal(liveProcess(recordOf()), undefined, 'there is none yet')
})

/** A process of this name that does nothing, and its end. */
function processCalled(t: Test, name: string): { pid: number; startTime: string; end: () => Promise<unknown> } {
  const directory = mkdtempSync(join(tmpdir(), 'tsrun-observe-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  copyFileSync('/bin/sleep', join(directory, name))
  const child = spawn(join(directory, name), ['60'], { stdio: 'ignore' })
  const ended = once(child, 'exit')
  t.teardown(() => child.kill('SIGKILL'))
  const { pid = 0 } = child
  const end = (): Promise<unknown> => {
    child.kill('SIGKILL')
    return ended
  }
  return { pid, startTime: readProcessStat(pid)?.startTime ?? '', end }
}

t.test('a container is creating, created, running, then stopped, whatever its files say then', async (t) => {
  const store = storeOf(t)
  const lock = store.create(id)
  const { end, ...init } = processCalled(t, 'tsrun-init')
  const status = (members: Partial<StateRecord> = init): string => observeStatus(store, id, recordOf(members))
  t.equal(status({}), 'creating', 'there is no process yet')
  t.equal(status(), 'creating', 'somebody is at work')
  writeFileSync(store.unreadySocket(id), '')
  lock.release()
  t.equal(status(), 'creating', 'who was at work has been killed')
  t.equal(status({}), 'stopped')
  renameSync(store.unreadySocket(id), store.startSocket(id))
  t.equal(status(), 'created')
  const { end: endProgram, ...program } = processCalled(t, 'server')
  t.equal(status(program), 'running', 'its start was killed before it could take the socket away')
  t.equal(status({ ...init, startTime: `${init.startTime}0` }), 'stopped')
  await end()
  t.equal(status(), 'stopped')
  await endProgram()
})

/** The record of a container: what is believed of a file, and the documents made of it. */
import t from 'tap'
import { parseRecord, recordVersion, toContainerState } from '#dist/state/record.js'
import { assertStatus, type Operation, type Status } from '#dist/state/status.js'
import { recordOf } from './support.js'

t.test('a record that is cut, of another shape or newer is refused by name', async (t) => {
  const whole = { ...recordOf() }
  const broken: readonly (readonly [text: string, words: RegExp])[] = [
    ['', /is not JSON/],
    [JSON.stringify(whole).slice(0, 40), /is not JSON/],
    ['null', /is broken/],
    ['7', /is broken/],
    ['[]', /has version undefined/],
    ['{}', /has version undefined/],
    [JSON.stringify({ ...whole, version: recordVersion + 1 }), /has version 2; this tsrun knows 1/],
    [JSON.stringify({ ...whole, pid: '7' }), /member pid is not a number/],
    [JSON.stringify({ ...whole, cgroup: null }), /member cgroup is not a object/],
    [JSON.stringify({ ...whole, cgroup: { v1: { memory: 7 } } }), /member cgroup is not a list/],
    [JSON.stringify({ ...whole, cgroup: { unified: {}, v1: {} } }), /member cgroup is not a list/],
  ]
  for (const [text, message] of broken)
    t.throws(() => parseRecord(text, '/x/state.json'), { code: 'ERR_TSRUN_STORE', message }, text)
})

t.test('limits of an older version, which kept the text of the config, are read as those of today', async (t) => {
  const { limits } = recordOf({ resources: JSON.stringify({ pids: { limit: 7 } }) } as never)
  t.match(limits, [{ controller: 'pids', limit: 'limit', value: 7 }])
  t.equal(recordOf().limits, undefined)
})

t.test('the state document has runc’s members in their order', async (t) => {
  const state = toContainerState(recordOf({ pid: 7, annotations: { a: 'b' } }), 'running', 'root')
  const members = ['ociVersion', 'id', 'pid', 'status', 'bundle', 'rootfs', 'created', 'annotations', 'owner']
  t.strictSame(Object.keys(state), members)
  t.match(state, { id: 'one', pid: 7, status: 'running', owner: 'root' })
  t.equal(toContainerState(recordOf({ pid: 7 }), 'stopped', '').pid, 0, 'a stopped container has no process')
})

t.test('each operation says in runc’s words why a status does not allow it', async (t) => {
  const refused: readonly (readonly [operation: Operation, status: Status, words: string])[] = [
    ['start', 'running', 'cannot start an already running container'],
    ['start', 'stopped', 'cannot start a container that has stopped'],
    ['kill', 'stopped', 'container not running'],
    ['delete', 'running', 'cannot delete container one that is not stopped: running'],
    ['exec', 'stopped', 'cannot exec in a stopped container'],
    ['exec', 'paused', 'cannot exec in a paused container (use --ignore-paused to override)'],
    ['pause', 'paused', 'container not running'],
    ['resume', 'running', 'container not paused'],
    ['update', 'stopped', 'container not running'],
  ]
  for (const [operation, status, message] of refused)
    t.throws(() => assertStatus('one', operation, status), { code: 'ERR_TSRUN_STATUS', message })
  for (const [operation, status] of [
    ['start', 'created'],
    ['delete', 'stopped'],
    ['resume', 'paused'],
  ] as const)
    t.doesNotThrow(() => assertStatus('one', operation, status))
})

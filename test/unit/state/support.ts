/** What the tests of the state stage share: a store in a directory of its own, and a record. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { parseRecord, recordVersion, type StateRecord } from '#dist/state/record.js'
import { Store } from '#dist/state/store.js'

/** A store whose directory goes with the test. */
export function storeOf(t: Test): Store {
  const directory = mkdtempSync(join(tmpdir(), 'tsrun-store-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return new Store(join(directory, 'root'))
}

/** A record as `create` writes it. */
export function recordOf(members: Partial<StateRecord> = {}): StateRecord {
  const record = {
    ...{ version: recordVersion, id: 'one', pid: 0, startTime: '', created: '2026-01-02T03:04:05Z' },
    ...{ bundle: '/b', rootfs: '/b/rootfs', owner: 0, ownPidNamespace: true },
    ...{ cgroup: { v1: {} }, cgroupManager: 'cgroupfs' },
    ...members,
  }
  return parseRecord(JSON.stringify(record), 'state.json')
}

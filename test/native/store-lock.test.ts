/** The lock of a state directory that goes away while somebody waits for it. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parseContainerId, Store } from '#dist/state/store.js'

const id = parseContainerId('box')

for (const [title, after] of [
  ['removed', () => undefined],
  ['removed and made again by another create', (path: string) => mkdirSync(path)],
] as const) {
  t.test(`a container that was ${title} while its lock was waited for does not exist any more`, async (t) => {
    const root = mkdtempSync(join(tmpdir(), 'tsrun-test-'))
    t.teardown(() => rmSync(root, { recursive: true }))
    mkdirSync(join(root, id))
    const removedMeanwhile = (): Promise<void> => {
      // Something keeps the old inode's number from being given to the new directory: our descriptor.
      rmSync(join(root, id), { recursive: true })
      after(join(root, id))
      return Promise.resolve()
    }
    await t.rejects(new Store(root).lockWith(id, removedMeanwhile), { code: 'ERR_TSRUN_NOT_FOUND', id })
  })
}

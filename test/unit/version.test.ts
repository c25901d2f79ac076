/** scripts/version.mjs: whatever names another version than package.json is told. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

interface Named {
  readonly version: string
  readonly lock: object
  readonly changelog: string
  readonly tags: readonly string[]
  readonly printed?: Readonly<Record<string, string>>
}

const root = fileURLToPath(new URL('..', import.meta.resolve('#dist/index.js')))
const { disagreements } = (await import(join(root, 'scripts/version.mjs'))) as {
  disagreements: (named: Named) => string[]
}

const named: Named = {
  version: '1.2.3',
  lock: { version: '1.2.3', packages: { '': { version: '1.2.3' } } },
  changelog: '# Changelog\n\n## [Unreleased]\n\n### Added\n\n## [1.2.2] - 2026-01-31\n',
  tags: [],
}
const released = '## [1.2.3] - 2026-02-01\n\n## [1.2.2] - 2026-01-31\n'

t.test('between two releases and at one, what agrees is no problem', async (t) => {
  t.same(disagreements(named), [])
  t.same(disagreements({ ...named, changelog: released, tags: ['v1.2.3', 'other'] }), [])
})

for (const [what, change, problem] of [
  ['the lock file', { lock: { version: '1.2.3', packages: { '': { version: '1.2.2' } } } }, /package-lock.json/],
  ['no heading', { changelog: '# Changelog' }, /no heading/],
  ['an older heading at the top', { changelog: '## [1.2.2] - 2026-01-31' }, /begins with 1.2.2/],
  ['a release without a date', { changelog: '## [1.2.3]\n' }, /1.2.3 in CHANGELOG.md has no date/],
  ['another tag', { changelog: released, tags: ['v1.2.4'] }, /tagged v1.2.4/],
  ['a tag on what is unreleased', { tags: ['v1.2.3'] }, /tagged v1.2.3, CHANGELOG.md does not begin/],
  ['a document', { printed: { README: 'tsrun_1.2.2_amd64.deb' } }, /README has another/],
] as const) {
  t.test(`${what} is told`, async (t) => {
    const [told = '', ...more] = disagreements({ ...named, ...change })
    t.match(told, problem)
    t.same(more, [])
  })
}

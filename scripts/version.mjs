// Compares what names this version: package.json, its lock file, CHANGELOG.md, the tag of the commit, files that print it.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, output, root } from './process.mjs'

const heading = /^## \[([^\]]+)\](?: - (\d{4}-\d\d-\d\d))?$/

/** What does not agree. `tags`: of the commit; `printed`: texts by their names, in which the version stands. */
export function disagreements({ version, lock, changelog, tags, printed = {} }) {
  const problems = []
  const locked = [lock.version, lock.packages?.['']?.version]
  if (locked.some((one) => one !== version)) problems.push(`package-lock.json says ${locked.join(' and ')}`)
  const [newest, ...older] = changelog.split('\n').flatMap((line) => {
    const found = heading.exec(line)
    return found ? [{ name: found[1], date: found[2] }] : []
  })
  const released = [newest, ...older].filter((one) => one && one.name !== 'Unreleased')
  for (const { name, date } of released) if (!date) problems.push(`the heading of ${name} in CHANGELOG.md has no date`)
  if (!newest) problems.push('CHANGELOG.md has no heading')
  else if (newest.name !== 'Unreleased' && newest.name !== version)
    problems.push(`CHANGELOG.md begins with ${newest.name}`)
  for (const tag of tags.filter((one) => one.startsWith('v'))) {
    if (tag !== `v${version}`) problems.push(`this commit is tagged ${tag}`)
    else if (newest?.name !== version)
      problems.push(`this commit is tagged ${tag}, CHANGELOG.md does not begin with it`)
  }
  for (const [name, text] of Object.entries(printed))
    if (!text.includes(version)) problems.push(`${name} has another version`)
  return problems
}

/** @throws Failure that names all that does not agree */
export function checkVersion() {
  const read = (name) => readFileSync(join(root, name), 'utf8')
  const { version } = JSON.parse(read('package.json'))
  const problems = disagreements({
    version,
    lock: JSON.parse(read('package-lock.json')),
    changelog: read('CHANGELOG.md'),
    tags: existsSync(join(root, '.git'))
      ? output('git', ['tag', '--points-at', 'HEAD']).split('\n').filter(Boolean)
      : [],
    printed: Object.fromEntries(
      ['README.md', 'docs/engines/kubernetes.yaml', 'docs/man/tsrun.8'].map((name) => [name, read(name)]),
    ),
  })
  if (problems.length > 0) throw new Failure(`package.json says ${version}: ${problems.join('; ')}`)
  return version
}

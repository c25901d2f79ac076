// Makes the release of this commit here and in a clone at another place with another environment, and compares all bytes.
// usage: node scripts/reproduce.mjs [x64] [arm64]      Needs a clean checkout; builds everything once more (minutes).
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure, isMain, output, root, run, runQuietly, script } from './process.mjs'

/** Another path, zone, language and file mode mask; a compiler's cache would only give back what was made before. */
const elsewhere = { TZ: 'Pacific/Kiritimati', LANG: 'C', LC_ALL: 'C', CCACHE_DISABLE: '1', MORE: 'x'.repeat(2000) }

function reproduce(archs) {
  if (output('git', ['status', '--porcelain']) !== '') throw new Failure('there are uncommitted changes')
  const work = mkdtempSync(join(tmpdir(), 'tsrun-reproduce-in-a-folder-of-another-length-'))
  try {
    const clone = join(work, 'clone')
    runQuietly('git', ['clone', '--quiet', '--no-hardlinks', root, clone])
    const release = (folder, to, options) =>
      run(
        'sh',
        ['-c', 'umask "$1"; shift; exec "$@"', 'sh', ...[options.umask, process.execPath]].concat([
          join(folder, 'scripts/release.mjs'),
          to,
          ...archs,
        ]),
        { cwd: folder, env: options.env },
      )
    release(root, join(work, 'one'), { umask: '022', env: process.env })
    release(clone, join(work, 'other'), { umask: '077', env: { ...process.env, ...elsewhere } })
    const sums = ['one', 'other'].map((name) => readFileSync(join(work, name, 'SHA256SUMS'), 'utf8').split('\n'))
    const different = sums[0].filter((line) => !sums[1].includes(line))
    if (different.length > 0 || sums[0].length !== sums[1].length)
      throw new Failure(`made again, these are others:\n${different.join('\n')}`)
    console.log(
      `the same bytes: ${sums[0].filter(Boolean).length} files of ${output('git', ['rev-parse', 'HEAD']).trim()}`,
    )
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

if (isMain(import.meta.url)) await script(reproduce)

/** Test support: waiting for what other programs write. */
import { existsSync, readFileSync, watch } from 'node:fs'
import { dirname } from 'node:path'

/** Resolves with a file's text as soon as that has the pattern; its folder must exist. */
export async function fileShows(path: string, pattern: RegExp): Promise<string> {
  const text = (): string => (existsSync(path) ? readFileSync(path, 'utf8') : '')
  const watcher = watch(dirname(path))
  try {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (pattern.test(text())) resolve()
      }
      watcher.on('change', look)
      look()
    })
    return text()
  } finally {
    watcher.close()
  }
}

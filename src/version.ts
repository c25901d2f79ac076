/** Which tsrun this is. */
import { packageFolder, readFile } from './native/binding.js'

/** Set by the bundler in the standalone executable; the commit is empty where it isn't known. */
declare const TSRUN_VERSION: string | undefined
declare const TSRUN_COMMIT: string | undefined

/** Version of the package and the commit it was built from, as far as that is known. */
export interface Version {
  readonly version: string
  readonly commit?: string
}

/** Reads package.json, except in the standalone executable. */
export function packageVersion(): Version {
  if (typeof TSRUN_VERSION !== 'undefined') {
    const commit = typeof TSRUN_COMMIT === 'undefined' ? '' : TSRUN_COMMIT
    return { version: TSRUN_VERSION, ...(commit === '' ? {} : { commit }) }
  }
  const { version } = JSON.parse(readFile(`${packageFolder()}/package.json`)) as { version: string }
  return { version }
}

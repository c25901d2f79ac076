/** Doctor: what is found out about the host, as data that the command prints. */

/** `ok`: works; `partly`: works with what `found` says; `missing`: does not. */
export type State = 'ok' | 'partly' | 'missing'

/** One thing that was looked at. */
export interface Check {
  readonly name: string
  readonly state: State
  /** What was found, in a few words. */
  readonly found: string
  /** The one command, or the one line of configuration, that mends it. */
  readonly mend?: string
}

/** Checks that belong together. */
export interface Section {
  readonly title: string
  readonly checks: readonly Check[]
}

/** A check whose mending is only told when something is to be mended. */
export const check = (name: string, state: State, found: string, mend?: string): Check => ({
  ...{ name, state, found },
  ...(mend === undefined || state === 'ok' ? {} : { mend }),
})

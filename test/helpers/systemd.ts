/** Test helper: what systemctl says of units. */

/** Properties by name, from the output of `systemctl show -p`. */
export const unitProperties = (shown: string): Record<string, string> =>
  Object.fromEntries(
    shown
      .split('\n')
      .filter(Boolean)
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )

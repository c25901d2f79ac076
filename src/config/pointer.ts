/** Stage 1, config: JSON pointers (RFC 6901) to the places where problems are. */

/** Member names and indexes from the top of a document down to one place in it. */
export type Path = readonly PropertyKey[]

/** The pointer to a place: that of `['linux', 'sysctl', 'net/core']` is `/linux/sysctl/net~1core`. */
export function pointer(path: Path): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

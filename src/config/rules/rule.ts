/** Stage 1, config: what a rule across fields is, and what several of them ask of a document. */
import type { Path } from '../pointer.js'
import type { ConfigDocument, NamespaceType } from '../types.js'

/** Takes one problem: where it is and what is wrong there. */
export type Report = (at: Path, message: string) => void

/** Reports every breach of one rule in a document that passed the schema. */
export type Rule = (config: ConfigDocument, report: Report) => void

/** True when the container gets a namespace of this type that is not the runtime's: new, or joined by path. */
export function hasNamespace(config: ConfigDocument, type: NamespaceType): boolean {
  return (config.linux?.namespaces ?? []).some((namespace) => namespace.type === type)
}

/** Index of the first earlier item with the same key, for each item that has one. */
export function duplicates<T>(list: readonly T[], key: (item: T) => string): { index: number; first: number }[] {
  const seen = new Map<string, number>()
  const found: { index: number; first: number }[] = []
  list.forEach((item, index) => {
    const first = seen.get(key(item))
    if (first === undefined) seen.set(key(item), index)
    else found.push({ index, first })
  })
  return found
}

/** Reports a path that does not start at `/`. */
export function requireAbsolute(path: string, at: Path, report: Report): void {
  if (!path.startsWith('/')) report(at, `must be an absolute path, found ${JSON.stringify(path)}`)
}

/** D-Bus: type signatures (D-Bus specification, "Type System"). */

/** A value with the signature of its type; one complete type. */
export interface Variant {
  readonly signature: string
  readonly value: unknown
}

/** Alignment in bytes of each type, by the first character of its signature. */
const alignments: Readonly<Record<string, number>> = {
  ...{ y: 1, g: 1, v: 1, n: 2, q: 2, b: 4, i: 4, u: 4, s: 4, o: 4, a: 4, h: 4 },
  ...{ x: 8, t: 8, d: 8, '(': 8, '{': 8 },
}

/** Where a type may begin, in bytes. @throws TypeError for no type */
export function alignmentOf(type: string): number {
  const found = alignments[type[0] ?? '']
  if (found === undefined) throw new TypeError(`no D-Bus type: ${JSON.stringify(type)}`)
  return found
}

/** Splits a signature into complete types: `sa(sv)u` is `s`, `a(sv)`, `u`. @throws TypeError for what is no signature */
export function completeTypes(signature: string): string[] {
  const types: string[] = []
  for (let at = 0; at < signature.length;) {
    const end = endOfType(signature, at, 0)
    types.push(signature.slice(at, end))
    at = end
  }
  return types
}

/** Levels of nesting that the specification allows for arrays and structs together. */
const deepest = 64

function endOfType(signature: string, at: number, depth: number): number {
  const first = signature[at] ?? ''
  alignmentOf(first)
  if (depth > deepest) throw new TypeError('a D-Bus signature is nested too deep')
  if (first === 'a') return endOfType(signature, at + 1, depth + 1)
  if (first !== '(' && first !== '{') return at + 1
  const close = first === '(' ? ')' : '}'
  let end = at + 1
  while (signature[end] !== close) end = endOfType(signature, end, depth + 1)
  if (end === at + 1) throw new TypeError('a D-Bus signature has an empty struct')
  return end + 1
}

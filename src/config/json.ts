/**
 * Stage 1, config: a strict JSON reader (RFC 8259), for what JSON.parse cannot do: name the line and
 * column of an error in every JavaScript engine, and keep integers of 64 bits exact.
 */
import { ConfigError } from '../errors.js'

/** Deeper than any document of the spec, and far from the end of the stack. */
const maxDepth = 100

/** Longer than any 64-bit integer, so that a hostile document cannot make BigInt work on megabytes. */
const maxDigits = 40

/** True when the text may hold an integer that a double cannot: 16 digits or more outside of a word. */
const wideInteger = /[\s:,[-]\d{16,}(?![\d"])/

/** The escape of half a character, which may stand alone. */
const surrogateEscape = /\\u[dD][89a-fA-F]/

/**
 * The value of a JSON text; integers above 2^53 - 1 in magnitude become bigints.
 * Throws ConfigError with line and column when the text, which messages call `name`, is not JSON.
 */
export function parseJson(text: string, name = 'config.json'): unknown {
  if (!wideInteger.test(text) && !surrogateEscape.test(text)) {
    try {
      return JSON.parse(text)
    } catch {
      // its message differs between engines and may have no position: read again with ours
    }
  }
  return new Reader(text, name).document()
}

const space = /[ \t\n\r]*/y
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const plainText = /[^"\\\u0000-\u001f]*/y
const unicodeEscape = /u[0-9a-fA-F]{4}/y
const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}
const words = [
  ['true', true],
  ['false', false],
  ['null', null],
] as const

class Reader {
  readonly #text: string
  readonly #name: string
  #at = 0

  constructor(text: string, name: string) {
    this.#text = text
    this.#name = name
  }

  document(): unknown {
    const value = this.#value(0)
    this.#skip(space)
    if (this.#at < this.#text.length) this.#fail('expected the end of the file')
    return value
  }

  #value(depth: number): unknown {
    this.#skip(space)
    if (depth > maxDepth) this.#fail(`nested more than ${String(maxDepth)} levels deep, at`)
    const next = this.#text[this.#at]
    if (next === '{') return this.#object(depth)
    if (next === '[') return this.#array(depth)
    if (next === '"') return this.#string()
    for (const [word, value] of words) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length
        return value
      }
    }
    return this.#number()
  }

  #object(depth: number): Record<string, unknown> {
    const members: [string, unknown][] = []
    this.#list('}', () => {
      this.#skip(space)
      if (this.#text[this.#at] !== '"') this.#fail('expected a member name in double quotes')
      const name = this.#string()
      this.#skip(space)
      if (this.#text[this.#at] !== ':') this.#fail(`expected ":" after the member name ${JSON.stringify(name)}`)
      this.#at++
      members.push([name, this.#value(depth + 1)])
    })
    return Object.fromEntries(members)
  }

  #array(depth: number): unknown[] {
    const items: unknown[] = []
    this.#list(']', () => items.push(this.#value(depth + 1)))
    return items
  }

  /** Reads from an opening bracket to its end, calling `item` for each item. */
  #list(end: '}' | ']', item: () => void): void {
    this.#at++
    this.#skip(space)
    if (this.#text[this.#at] === end) {
      this.#at++
      return
    }
    for (;;) {
      item()
      this.#skip(space)
      const next = this.#text[this.#at]
      if (next !== ',' && next !== end) this.#fail(`expected "," or "${end}"`)
      this.#at++
      if (next === end) return
    }
  }

  #string(): string {
    this.#at++
    let value = ''
    for (;;) {
      value += this.#skip(plainText)
      const next = this.#text[this.#at]
      if (next === '"') {
        // Half a character has no bytes: the kernel would get others than the text names.
        if (/\p{Surrogate}/u.test(value)) this.#fail('expected both halves of each surrogate pair')
        this.#at++
        return value
      }
      if (next !== '\\') this.#fail('expected a closing double quote (control characters need an escape)')
      this.#at++
      value += this.#escape()
    }
  }

  #escape(): string {
    const unicode = this.#skip(unicodeEscape)
    if (unicode !== '') return String.fromCharCode(Number.parseInt(unicode.slice(1), 16))
    const value = escapes[this.#text[this.#at] ?? '']
    if (value === undefined) return this.#fail('expected an escape such as \\n or \\u000a')
    this.#at++
    return value
  }

  #number(): number | bigint {
    const digits = this.#skip(number)
    if (digits === '') return this.#fail('expected a value')
    const value = Number(digits)
    const isWide = Number.isInteger(value) && !Number.isSafeInteger(value)
    return isWide && digits.length < maxDigits && /^-?\d+$/.test(digits) ? BigInt(digits) : value
  }

  /** Moves past what the sticky pattern matches here, and returns it. */
  #skip(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    return found
  }

  #fail(expected: string): never {
    const before = this.#text.slice(0, this.#at)
    const line = before.split('\n').length
    const column = this.#at - before.lastIndexOf('\n')
    const code = this.#text.codePointAt(this.#at)
    const found = code === undefined ? 'the end of the file' : JSON.stringify(String.fromCodePoint(code))
    const message = `line ${String(line)}, column ${String(column)}: ${expected}, found ${found}`
    throw new ConfigError(`invalid ${this.#name}: ${message}`, [{ pointer: '', message }])
  }
}

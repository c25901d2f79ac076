/** Stage 2, plan: properties of the scope that annotations name, in the part of GVariant's text format that they need. */
import { ConfigError } from '../errors.js'
import type { UnitProperty } from './resources/types.js'

const prefix = 'org.systemd.property.'
const types: Readonly<Record<string, string>> = {
  ...{ boolean: 'b', byte: 'y', int16: 'n', uint16: 'q', int32: 'i', uint32: 'u' },
  ...{ int64: 'x', uint64: 't', double: 'd', string: 's' },
}

interface Typed {
  readonly signature: string
  readonly value: unknown
}

/** Properties of the annotations `org.systemd.property.NAME`, in their order. @throws ConfigError */
export function annotationProperties(annotations: Readonly<Record<string, string>> = {}): UnitProperty[] {
  return Object.entries(annotations)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, text]) => {
      const name = key.slice(prefix.length)
      const fail = (message: string): ConfigError =>
        ConfigError.from([{ pointer: `/annotations/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, message }])
      if (!/^[A-Za-z]{3,}$/.test(name)) throw fail('is not the name of a property of systemd')
      const typed = parseVariant(text.trim())
      if (
        typed === undefined ||
        typed.signature === 'a' ||
        (typeof typed.value === 'bigint' && typed.signature === 'i')
      )
        throw fail(`cannot parse ${JSON.stringify(text)} as a GVariant`)
      if (!name.endsWith('Sec') || name.endsWith('USec')) return [name, typed.signature, typed.value]
      // As in unit files: seconds, where D-Bus has microseconds.
      if (!/^[inqxutdy]$/.test(typed.signature)) throw fail(`${JSON.stringify(text)} is not a number of seconds`)
      return [`${name.slice(0, -3)}USec`, 't', BigInt(Math.round(Number(typed.value) * 1_000_000))]
    })
}

/** A value: boolean, number, quoted text or an array of one of them; undefined when it is none. */
export function parseVariant(text: string): Typed | undefined {
  const annotated = /^(?:@([a-z]+)|([a-z]+\d*))\s+(.+)$/s.exec(text)
  if (annotated) {
    const signature = annotated[1] ?? types[annotated[2] ?? '']
    const typed = parseVariant((annotated[3] ?? '').trim())
    return signature === undefined || typed === undefined ? undefined : cast(typed, signature)
  }
  if (text === 'true' || text === 'false') return { signature: 'b', value: text === 'true' }
  if (/^[+-]?(\d+|0x[\da-fA-F]+)$/.test(text)) return { signature: 'i', value: integer(text) }
  if (/^[+-]?\d*\.?\d+([eE][+-]?\d+)?$/.test(text)) return { signature: 'd', value: Number(text) }
  const quoted = /^(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")$/s.exec(text)
  if (quoted) return { signature: 's', value: (quoted[1] ?? quoted[2] ?? '').replace(/\\(.)/gs, '$1') }
  return text.startsWith('[') && text.endsWith(']') ? parseArray(text.slice(1, -1)) : undefined
}

/** 64 bits are more than a number holds: `uint64 18446744073709551615` is systemd's infinity. */
function integer(text: string): number | bigint {
  const size = BigInt(text.replace(/^[+-]/, ''))
  const value = text.startsWith('-') ? -size : size
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

function parseArray(text: string): Typed | undefined {
  const items = text.match(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s,'"][^,'"]*/gs) ?? []
  const parsed = items.map((item) => parseVariant(item.trim()))
  const [first] = parsed
  if (items.length === 0 && text.trim() === '') return { signature: 'a', value: [] }
  if (first === undefined || parsed.some((one) => one?.signature !== first.signature)) return undefined
  return { signature: `a${first.signature}`, value: parsed.map((one) => one?.value) }
}

function cast({ signature, value }: Typed, wanted: string): Typed | undefined {
  if (wanted === signature) return { signature, value }
  if (Array.isArray(value) && wanted.startsWith('a')) {
    const items = value.map((one) => cast({ signature: signature.slice(1), value: one }, wanted.slice(1)))
    return items.includes(undefined) ? undefined : { signature: wanted, value: items.map((one) => one?.value) }
  }
  if (typeof value === 'bigint') return /^[xt]$/.test(wanted) ? { signature: wanted, value } : undefined
  if (typeof value !== 'number') return undefined
  if (wanted === 'x' || wanted === 't') {
    return Number.isInteger(value) ? { signature: wanted, value: BigInt(value) } : undefined
  }
  return /^[ynqiud]$/.test(wanted) ? { signature: wanted, value } : undefined
}

/** Command line: what keys do to the table of `tsrun top`. Pure. */
import { type Look, sortKeys } from './table.js'

/** How it is looked at after these keys. */
export function press(look: Look, keys: string): Look | 'quit' {
  let now = look
  for (const key of Array.from(keys)) {
    if (!now.typing && key === 'q') return 'quit'
    now = now.typing ? typed(now, key) : commanded(now, key)
  }
  return now
}

function typed(look: Look, key: string): Look {
  if (key === '\r' || key === '\n') return { ...look, typing: false }
  if (key === '\x1b') return { ...look, typing: false, filter: '' }
  if (key === '\x7f' || key === '\b') return { ...look, filter: look.filter.slice(0, -1) }
  return key < ' ' ? look : { ...look, filter: look.filter + key }
}

function commanded(look: Look, key: string): Look {
  if (key === '/') return { ...look, typing: true }
  if (key === 'r') return { ...look, reverse: !look.reverse }
  if (key === '\x1b') return { ...look, filter: '' }
  const sort = Object.hasOwn(sortKeys, key) ? sortKeys[key] : undefined
  return sort === undefined ? look : { ...look, sort, reverse: false }
}

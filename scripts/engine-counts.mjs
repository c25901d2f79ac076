// Replaces the engine's arithmetic with reference counts by functions that leave immortal objects alone (native/engine/immortal.h).
import { Failure } from './process.mjs'

/** A count of an engine's object; those of other records (labels, entries of maps, modules' parts) are called alike. */
const counts = { 'quickjs.c': String.raw`\w[\w.>-]*->header\.ref_count`, 'quickjs.h': String.raw`p->ref_count` }

/** How often each occurs in the pinned version: another number means that someone has to look. */
const expected = { 'quickjs.c': 28, 'quickjs.h': 4 }

/** The text of one of the engine's files with its counts replaced. */
export function replaceCounts(file, text) {
  let replaced = 0
  const by = (name) => (_, count, rest) => {
    replaced++
    return `${name}(&${count})${rest}`
  }
  const of = (before, after) => new RegExp(`${before}(${counts[file]})${after}`, 'g')
  const result = text
    .replace(of(String.raw`--`, '()'), by('js_count_down'))
    .replace(of('', String.raw`\+\+()`), by('js_count_up'))
    .replace(of('', String.raw`--()`), by('js_count_down'))
    // Whether others have it too; `== 0` is asked of what has just been counted or freed.
    .replace(of('', '( != 1| > 1)'), by('js_count'))
  if (replaced !== expected[file])
    throw new Failure(`${file} of the engine counts in ${replaced} places, not in ${expected[file]}`)
  return file.endsWith('.h') ? `#include "engine/immortal.h"\n${result}` : result
}

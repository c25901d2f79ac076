/** Stage 1, config: the shape of `hooks` (config.md "POSIX-platform Hooks"). */
import { type HookName, hookNames } from '../vocabulary/linux.js'
import { integer, lazily, list, object } from './shape.js'
import { text, texts } from './values.js'

/** Shape of `hooks`; a timeout is in seconds, as many as poll(2) takes in milliseconds. */
export const hooksShape = lazily(() => {
  const hooks = list(object({ path: text }, { args: texts, env: texts, timeout: integer(1, 2147483) }))
  return object({}, Object.fromEntries(hookNames.map((name) => [name, hooks])) as Record<HookName, typeof hooks>)
})

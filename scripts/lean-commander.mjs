// Commander without what tsrun doesn't use of it, for the executables.

// Commander loads these modules only for sub-commands that are programs of their own, which tsrun
// doesn't have; loading them takes 1 to 2 ms of every start.
const absent = `new Proxy({}, { get(_, name) { throw new Error('not in the tsrun executable: ' + String(name)) } })`

// The part of node:events that Commander uses.
const emitter = `class EventEmitter {
  handlers = new Map()
  on(name, handler) { this.listeners(name).push(handler); return this }
  once(name, handler) {
    const once = (...args) => { this.removeListener(name, once); handler(...args) }
    return this.on(name, once)
  }
  listeners(name) {
    if (!this.handlers.has(name)) this.handlers.set(name, [])
    return this.handlers.get(name)
  }
  listenerCount(name) { return this.handlers.get(name)?.length ?? 0 }
  removeListener(name, handler) { this.handlers.set(name, this.listeners(name).filter((h) => h !== handler)); return this }
  emit(name, ...args) {
    const handlers = [...(this.handlers.get(name) ?? [])]
    for (const handler of handlers) handler.apply(this, args)
    return handlers.length > 0
  }
}`

const replacements = [
  [`require('node:events').EventEmitter`, emitter],
  [`require('node:child_process')`, absent],
  [`require('node:path')`, absent],
  [`require('node:fs')`, absent],
  [`require('node:process')`, 'globalThis.process'],
]

/** The text of a file of Commander, made lean. @throws Error when it is written otherwise than expected */
export function leanCommander(path, text) {
  if (!path.endsWith('/command.js')) return text
  return replacements.reduce((contents, [from, to]) => {
    // A new version of Commander may be written otherwise: better to stop than to be slow.
    if (!contents.includes(from)) throw new Error(`${path} has no ${from}`)
    return contents.replace(from, to)
  }, text)
}

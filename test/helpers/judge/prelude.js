// What Node's tests of Node-API find around them, in the program for tests. Arguments: folder of the suite, of its compiled addons,
// name of the test.
/* global args, evaluate, gc, load, print, read */
'use strict'
;(() => {
  const [suite, addons, test] = args
  globalThis.global = globalThis
  // For the helpers in C++.
  globalThis.tags = new WeakMap()
  globalThis.wraps = new WeakMap()
  globalThis.console = { log: (...words) => print(words.join(' ')) }

  // --- assert, as far as these tests use it.
  class AssertionError extends Error {}
  const shown = (value) => {
    try {
      const plain = typeof value === 'object' && !(value instanceof Error || value instanceof RegExp)
      return plain ? JSON.stringify(value) : String(value)
    } catch {
      return typeof value
    }
  }
  const same = (one, other) => {
    if (Object.is(one, other)) return true
    if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
    if (Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return false
    if (one instanceof Error && (one.message !== other.message || one.name !== other.name)) return false
    const names = [Object.keys(one), Object.keys(other)]
    return names[0].length === names[1].length && names[0].every((name) => same(one[name], other[name]))
  }
  const check = (good, message, otherwise) => {
    if (good) return
    if (message instanceof Error) throw message
    throw new AssertionError(message ?? otherwise)
  }
  const assert = (value, message) => check(value, message, 'not true')
  const matches = (error, expected) => {
    // Of these, the words are the other engine's.
    if (/^\^?(TypeError: )?Cannot (assign|set|add|delete) /.test(expected.source)) return error instanceof TypeError
    if (expected instanceof RegExp) return expected.test(shown(error))
    if (typeof expected !== 'function')
      return Object.entries(expected).every(([name, value]) =>
        value instanceof RegExp ? value.test(error[name]) : same(error[name], value),
      )
    if (expected.prototype !== undefined && error instanceof expected) return true
    return expected.prototype instanceof Error || expected === Error ? false : expected(error) === true
  }
  Object.assign(assert, {
    ok: assert,
    strictEqual: (one, other, message) => check(Object.is(one, other), message, `${shown(one)} is not ${shown(other)}`),
    notStrictEqual: (one, other, message) => check(!Object.is(one, other), message, `both are ${shown(one)}`),
    deepStrictEqual: (one, other, message) => check(same(one, other), message, `${shown(one)} is not ${shown(other)}`),
    match: (text, pattern, message) => check(pattern.test(text), message, `${text} does not match ${pattern}`),
    throws(act, expected, message) {
      try {
        act()
      } catch (error) {
        const like = typeof expected === 'object' || typeof expected === 'function'
        return check(!like || matches(error, expected), message, `threw ${shown(error)} instead of ${shown(expected)}`)
      }
      throw new AssertionError(`${message ?? 'a function'} has thrown nothing`)
    },
  })

  // --- Calls that must have happened at the end.
  const due = []
  const common = {
    buildType: 'Release',
    mustCall(given, count = 1) {
      const [act, times] = typeof given === 'number' ? [() => {}, given] : [given ?? (() => {}), count]
      const entry = { times, calls: 0, where: new Error('x').stack }
      due.push(entry)
      return function (...values) {
        entry.calls++
        return act.apply(this, values)
      }
    },
    mustNotCall: (message) => () => {
      throw new AssertionError(message ?? 'called, and should not have been')
    },
  }

  // --- A turn of the event loop: what is due after all jobs that there are.
  const turns = []
  globalThis.setImmediate = (act, ...values) => {
    turns.push(() => act(...values))
  }
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  const gcUntil = async (name, condition) => {
    for (let count = 0; count < 10; count++) {
      await turn()
      gc()
      if (condition()) return
    }
    throw new Error(`Test ${name} failed`)
  }

  const modules = {
    assert,
    '../../common': common,
    '../../common/gc': { gcUntil },
    'timers/promises': { setImmediate: turn },
  }
  const require = (name) => {
    const addon = /^\.\/build\/Release\/(\w+)$/.exec(name)
    if (addon) return load(`${addons}/${addon[1]}.node`)
    if (!Object.hasOwn(modules, name)) throw new Error(`there is no module ${name} here`)
    return modules[name]
  }

  const source = `(function (require, module, exports) {${read(`${suite}/${test}`)}\n})`
  const module = { exports: {} }
  evaluate(source, test).call(module.exports, require, module, module.exports)

  const end = async () => {
    for (let quiet = 0; quiet < 20; quiet++) {
      // Some jobs wait for jobs.
      for (let job = 0; job < 20; job++) await undefined
      if (turns.length === 0) continue
      turns.shift()()
      quiet = 0
    }
    gc()
    for (const { times, calls, where } of due)
      check(times === calls, undefined, `called ${calls} times, not ${times}: ${where}`)
  }
  return end()
})()

// Calls every function of twin.cc with values of every kind and prints what comes back: on each engine the same.
const thrower = {
  get member() {
    throw new RangeError('from the getter')
  },
}
const proxy = new Proxy(
  {},
  {
    get(_, name) {
      if (typeof name === 'symbol') return undefined
      throw new Error(`asked for ${name}`)
    },
    has() {
      throw new Error('asked whether')
    },
  },
)
const values = {
  undefined: undefined,
  null: null,
  true: true,
  false: false,
  zero: 0,
  minusZero: -0,
  one: 1,
  half: 1.5,
  minus: -7.9,
  NaN: NaN,
  infinite: Infinity,
  minusInfinite: -Infinity,
  int32: 2147483647,
  over32: 2147483648,
  uint32: 4294967296,
  exact: 9007199254740991,
  huge: 1e300,
  int64: 9223372036854775807,
  bigZero: 0n,
  bigMinus: -1n,
  big64: 18446744073709551615n,
  bigOver: 18446744073709551616n,
  empty: '',
  text: 'text',
  wide: 'a\u00e4\u20ac\u{1f600}',
  nul: 'a\0b',
  symbol: Symbol('s'),
  object: { member: 'm', 0: 'first' },
  frozen: Object.freeze({ member: 1 }),
  bare: Object.create(null),
  thrower,
  proxy,
  array: ['a', , 'c'],
  typed: new Uint16Array(Uint16Array.of(1, 515, 3).buffer, 2, 2),
  bytes: Uint8Array.of(9, 8),
  clamped: new Uint8ClampedArray(2),
  big: BigInt64Array.of(5n),
  float: Float32Array.of(1.5),
  view: new DataView(new ArrayBuffer(4)),
  buffer: Uint8Array.of(1, 2, 3).buffer,
  function: (a, b) => [a, b],
  throws: () => {
    throw new TypeError('from the function')
  },
  method: function (a) {
    return [typeof this, a]
  },
  class: class Named {},
  date: new Date(0),
  error: new Error('an error'),
  promise: Promise.resolve(1),
}

/** Values as words: the same for equal ones, whatever an engine prints. */
function words(value, depth = 0) {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'symbol') return 'symbol'
  if (Object.is(value, -0)) return '-0'
  if (typeof value === 'function') return `function ${value.name}/${value.length}`
  if (typeof value !== 'object' || value === null) return String(value)
  if (value instanceof Error)
    return `${value.name}(${value.message}${value.code === undefined ? '' : `, ${value.code}`})`
  if (value === proxy || value === thrower) return 'trap'
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}[${value.byteLength}]`
  if (value instanceof ArrayBuffer) return `ArrayBuffer[${value.byteLength}]`
  if (depth > 2) return '…'
  if (Array.isArray(value))
    return `[${Array.from(value, (item, at) => (at in value ? words(item, depth + 1) : 'hole'))}]`
  return `{${Object.keys(value).map((name) => `${name}:${words(value[name], depth + 1)}`)}}`
}

/** Questions about one value, and about the members of one. */
function ask(say, every) {
  for (const call of ['typeof', 'double', 'int32', 'uint32', 'int64', 'bool', 'isArray', 'isTypedArray', 'bigint'])
    every(call)
  for (const call of ['stringLength', 'arrayLength', 'bufferInfo', 'typedInfo', 'reference']) every(call)
  for (let room = 1; room < 8; room++)
    for (const text of ['', 'abc', 'a\u00e4\u20ac\u{1f600}', 'a\0b', 7]) say('stringInto', [text, room])
  for (const name of ['member', 'absent', '0', 'length', 'toString']) {
    every('property', name)
    every('namedProperty', name)
    every('hasProperty', name)
  }
  every('property', Symbol.iterator)
  every('element', 0)
  every('element', 7)
  for (const [target, name] of [
    [{}, 'x'],
    [[], 'x'],
    [values.frozen, 'member'],
    [values.frozen, 'x'],
    [null, 'x'],
    [5, 'x'],
    [proxy, 'x'],
  ]) {
    say('setNamedProperty', [target, name, 'value'])
    say('setElement', [target, 2, 'value'])
  }
  for (const big of [0n, 1n, 18446744073709551615n, 9223372036854775808n]) say('newBigint', [big])
  for (const length of [0, 3, -1, 2147483648, 4294967296]) say('newArray', [length])
  for (let type = -1; type < 13; type++)
    for (const [length, offset] of [
      [0, 0],
      [1, 0],
      [1, 8],
      [2, 8],
      [1, 3],
    ])
      say('newTyped', [type, new ArrayBuffer(16), length, offset])
}

/** Calls, exceptions, scopes, arguments. */
function act(say, every) {
  every('call', undefined, 1, 2)
  say('call', [values.method, { a: 1 }, 5])
  every('throw')
  for (const code of [undefined, 'E_CODE', 7])
    for (const message of ['words', 7, undefined]) say('newError', [message, code])
  say('whilePending', [new Error('pending'), () => 1])
  say('withoutArguments', ['x'])
  say('scopes', [])
  for (const args of [[], [1], [1, 'a', null, {}], [1, 2, 3, 4, 5, 6]]) say('arguments', args)
}

/** What define_properties makes of each kind of property with each attribute, on objects that take it and others. */
function define(say, lines) {
  const described = (object, name) => {
    const found = Object.getOwnPropertyDescriptor(object, name)
    return words(found && { ...found, value: typeof found.value })
  }
  for (let kind = 0; kind < 5; kind++)
    for (let attributes = 0; attributes < 8; attributes++) {
      const object = {}
      say('define', [object, 'x', kind, attributes])
      lines.push(described(object, 'x'))
      // Once more, with other attributes: what is not configurable stays as it is.
      say('define', [object, 'x', kind, attributes ^ 3])
      lines.push(described(object, 'x'))
    }
  for (const [object, name] of [
    [[1], '0'],
    [Object.freeze({}), 'x'],
    [() => 1, 'name'],
    [new Proxy({}, {}), 'x'],
    [proxy, 'x'],
    [new Uint8Array(2), '0'],
    [5, 'x'],
    [null, 'x'],
    [undefined, 'x'],
    ['text', 'x'],
    [{}, 7],
    [{}, Symbol('s')],
    [{}, null],
    [{}, {}],
  ])
    for (const kind of [0, 1, 4]) {
      say('define', [object, name, kind, 7])
      if (typeof object === 'object' && object !== null && object !== proxy && typeof name === 'string')
        lines.push(described(object, name))
    }
  const called = {}
  say('define', [called, 'both', 4, 7])
  say('define', [called, 'method', 1, 7])
  lines.push(words([called.both, called.method(1, 2), called.method.name, (called.both = 3)]))
}

/** Each finalizer once, after its object's death; `turn`: lets jobs and, with `gc`, the collector do their work. */
async function finalize(twin, lines, say, every, turn) {
  every('finalizer')
  const before = async () => {
    for (let at = 0; at < 5; at++) await turn()
    return twin.finalized()
  }
  const living = [{}, Object.freeze({}), [], () => 1, new Date(0)]
  const first = await before()
  for (const object of living) say('finalizer', [object])
  lines.push(`of the living: ${(await before()) - first}`)
  const heard = []
  ;(() => {
    say('finalizer', [{}])
    const twice = {}
    say('finalizer', [twice])
    say('finalizer', [twice])
    say('finalizer', [Object.freeze({})])
    // A circle, which only a collector finds.
    const circle = {}
    circle.self = circle
    say('finalizer', [circle])
    say('finalizer', [{}, (count) => heard.push(count > first)])
  })()
  lines.push(`of the dead: ${(await before()) - first} ${words(heard)}`)
  living.length = 0
  lines.push(`of all: ${(await before()) - first}`)
}

export async function report(twin, turn) {
  const lines = []
  const say = (call, args) => {
    let came
    try {
      came = words(twin[call](...args))
    } catch (error) {
      came = `threw ${words(error)}`
    }
    lines.push(`${call} ${came}`)
  }
  const every = (call, ...more) => {
    for (const [name, value] of Object.entries(values)) {
      lines.push(name)
      say(call, [value, ...more])
    }
  }
  ask(say, every)
  act(say, every)
  define(say, lines)
  await finalize(twin, lines, say, every, turn)
  lines.push(
    Object.keys(twin)
      .map((name) => words(twin[name]))
      .join(' '),
  )
  return lines.join('\n')
}

import t from 'tap'
import { parseJson } from '#dist/config/json.js'
import { ConfigError } from '#dist/errors.js'
import { dataText } from './support.js'

const wide = '[18446744073709551615]'

t.test('an ordinary text gives what JSON.parse gives', (t) => {
  const text = dataText('spec/good/minimal-for-start.json')
  t.strictSame(parseJson(text), JSON.parse(text))
  t.end()
})

t.test('integers that a double cannot hold stay exact', (t) => {
  t.strictSame(parseJson('{ "a": 18446744073709551615, "b": -9223372036854775808, "c": 9007199254740993, "d": 5 }'), {
    a: 18446744073709551615n,
    b: -9223372036854775808n,
    c: 9007199254740993n,
    d: 5,
  })
  t.end()
})

t.test('only integers become bigints', (t) => {
  t.strictSame(parseJson('[9007199254740991, 1e300, 12345678901234567890.5, 1234567890123456789e1, "1"]'), [
    9007199254740991,
    1e300,
    12345678901234567890.5,
    1234567890123456789e1,
    '1',
  ])
  t.end()
})

t.test('a number of very many digits is not worked on', (t) => {
  t.equal(parseJson('9'.repeat(300)), Number('9'.repeat(300)))
  t.end()
})

t.test('our reader agrees with JSON.parse on everything that JSON has', (t) => {
  const values = [
    '{"a":[1,-2,0,1.5,2e3,2E-3,-0.0],"b":{"c":null,"d":true,"e":false},"f":[],"g":{}}',
    String.raw`"\" \\ \/ \b \f \n \r \t \u00e9 \ud83d\ude00 é 😀"`,
    ' \t\r\n[ \n1 , {"a" : "b"} ] ',
    '{"a":1,"a":2}',
  ]
  for (const text of values) {
    // the wide integer makes parseJson use our reader
    t.strictSame(parseJson(`[18446744073709551615, ${text}]`), [18446744073709551615n, JSON.parse(text)], text)
  }
  t.end()
})

t.test('a member named __proto__ is a member like any other', (t) => {
  const value = parseJson(`{"__proto__": ${wide}}`) as object
  t.equal(Object.getPrototypeOf(value), Object.prototype)
  t.strictSame(Object.keys(value), ['__proto__'])
  t.end()
})

const broken: readonly (readonly [text: string, message: string])[] = [
  ['', 'line 1, column 1: expected a value, found the end of the file'],
  ['{]', 'line 1, column 2: expected a member name in double quotes, found "]"'],
  ['{\n  "a": 1,\n}', 'line 3, column 1: expected a member name in double quotes, found "}"'],
  ['{"a": 1 "b": 2}', 'line 1, column 9: expected "," or "}", found "\\""'],
  ['[1 2]', 'line 1, column 4: expected "," or "]", found "2"'],
  ['[1,]', 'line 1, column 4: expected a value, found "]"'],
  ['{"a" 1}', 'line 1, column 6: expected ":" after the member name "a", found "1"'],
  ['{"a": 01}', 'line 1, column 8: expected "," or "}", found "1"'],
  ['{"a": +1}', 'line 1, column 7: expected a value, found "+"'],
  ['{"a": nul}', 'line 1, column 7: expected a value, found "n"'],
  ["{'a': 1}", 'line 1, column 2: expected a member name in double quotes, found "\'"'],
  [
    '{"a": "b',
    'line 1, column 9: expected a closing double quote (control characters need an escape), found the end of the file',
  ],
  ['"a\nb"', 'line 1, column 3: expected a closing double quote (control characters need an escape), found "\\n"'],
  [String.raw`"a\x"`, String.raw`line 1, column 4: expected an escape such as \n or \u000a, found "x"`],
  [String.raw`"a\u12"`, String.raw`line 1, column 4: expected an escape such as \n or \u000a, found "u"`],
  ['{} // end', 'line 1, column 4: expected the end of the file, found "/"'],
  ['\ufeff{}', 'line 1, column 1: expected a value, found "\ufeff"'],
  ['{"a": 😀}', 'line 1, column 7: expected a value, found "😀"'],
  ['[NaN]', 'line 1, column 2: expected a value, found "N"'],
  [dataText('spec/bad/invalid-json.json'), 'line 1, column 2: expected a member name in double quotes, found "]"'],
]

t.test('a broken text is refused with line and column', (t) => {
  for (const [text, message] of broken) {
    t.throws(
      () => parseJson(text),
      { name: 'ConfigError', message: `invalid config.json: ${message}`, issues: [{ pointer: '', message }] },
      JSON.stringify(text),
    )
  }
  t.end()
})

t.test('a text nested too deeply is an error, not the end of the stack', (t) => {
  const deep = (levels: number) => `${'['.repeat(levels)}18446744073709551615${']'.repeat(levels)}`
  t.doesNotThrow(() => parseJson(deep(100)))
  t.throws(() => parseJson(deep(102)), ConfigError)
  t.throws(() => parseJson('['.repeat(1_000_000)), ConfigError)
  t.end()
})

t.test('half of a surrogate pair is an error, a whole pair is its character', (t) => {
  t.equal(parseJson('"\\ud83d\\ude00"'), '\u{1f600}')
  for (const text of ['"\\ud800"', '{"\\udc00": 1}', '["a\\ud800b"]', '"\\ude00\\ud83d"'])
    t.throws(() => parseJson(text), { message: /invalid config.json: line 1, column \d+: expected both halves/ })
  t.end()
})

t.test('messages call a document by its name', (t) => {
  t.throws(() => parseJson('{', 'resources'), { message: /^invalid resources: line 1/ })
  t.end()
})

/** D-Bus messages against the bytes that systemd's own client writes. */
import t from 'tap'
import { decodeMessage, encodeMessage, messageLength, messageType } from '#dist/dbus/message.js'
import { Reader, Writer } from '#dist/dbus/marshal.js'
import { completeTypes } from '#dist/dbus/signature.js'

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))

/** Recorded from busctl 252, which says hello, then calls a method as in `body` below (its flags are other ones). */
const recorded = {
  hello:
    '6c01000100000000010000006d00000001016f00150000002f6f72672f667265656465736b746f702f444275730000000301' +
    '73000500000048656c6c6f00000002017300140000006f72672e667265656465736b746f702e444275730000000006017300' +
    '140000006f72672e667265656465736b746f702e4442757300000000',
  call:
    '6c0105013001000002000000b600000001016f00190000002f6f72672f667265656465736b746f702f73797374656d643100' +
    '000000000000030173001200000053746172745472616e7369656e74556e697400000000000002017300200000006f72672e' +
    '667265656465736b746f702e73797374656d64312e4d616e61676572000000000000000006017300180000006f72672e6672' +
    '65656465736b746f702e73797374656d64310000000000000000080167001073736128737629612873612873762929000000' +
    '0f0000007765622dc3a974c3a92e73636f706500040000006661696c00000000000100000000000004000000504944730002' +
    '61750000000004000000671200000800000044656c6567617465000162000100000000000000090000004d656d6f72794d61' +
    '780001740000000000000000ffffffffffffffff0b000000416c6c6f77656443505573000261790002000000050100000000' +
    '00000b000000446576696365416c6c6f7700056128737329000037000000000000000d0000002f6465762f636861722f313a' +
    '330000000300000072776d000000000008000000636861722d3133360000000002000000727700000f00000054696d656f75' +
    '7453746f70555365630001740000804a5d050000000006000000576569676874000164000000000000000000f83f00000000' +
    '00000000',
}

const signature = 'ssa(sv)a(sa(sv))'
const body = [
  'web-été.scope',
  'fail',
  [
    ['PIDs', { signature: 'au', value: [4711] }],
    ['Delegate', { signature: 'b', value: true }],
    ['MemoryMax', { signature: 't', value: 0xffffffffffffffffn }],
    ['AllowedCPUs', { signature: 'ay', value: Uint8Array.of(5, 1) }],
    [
      'DeviceAllow',
      {
        signature: 'a(ss)',
        value: [
          ['/dev/char/1:3', 'rwm'],
          ['char-136', 'rw'],
        ],
      },
    ],
    ['TimeoutStopUSec', { signature: 't', value: 90_000_000n }],
    ['Weight', { signature: 'd', value: 1.5 }],
  ],
  [],
]

t.test('messages are, byte for byte, those of systemd', async (t) => {
  const hello = {
    path: '/org/freedesktop/DBus',
    interface: 'org.freedesktop.DBus',
    member: 'Hello',
    destination: 'org.freedesktop.DBus',
  }
  t.equal(Buffer.from(encodeMessage(messageType.call, 1, hello, [])).toString('hex'), recorded.hello)

  const header = {
    path: '/org/freedesktop/systemd1',
    interface: 'org.freedesktop.systemd1.Manager',
    member: 'StartTransientUnit',
    destination: 'org.freedesktop.systemd1',
    signature,
  }
  const call = encodeMessage(messageType.call, 2, header, body)
  call[2] = 5 // busctl expected no reply, and allows for questions to the user
  t.equal(Buffer.from(call).toString('hex'), recorded.call)
})

t.test('what was encoded decodes to the same', async (t) => {
  const message = decodeMessage(bytes(recorded.call))
  t.equal(message.member, 'StartTransientUnit')
  t.equal(message.serial, 2)
  t.same(message.body, body)
})

t.test('every type at its bounds survives the way there and back', async (t) => {
  const values: readonly (readonly [string, unknown])[] = [
    ['y', 255],
    ['b', false],
    ['n', -0x8000],
    ['q', 0xffff],
    ['i', -0x80000000],
    ['u', 0xffffffff],
    ['x', -(2n ** 63n)],
    ['t', 2n ** 64n - 1n],
    ['d', -0.1],
    ['s', ''],
    ['o', '/a/b'],
    ['g', 'a{sv}'],
    ['as', []],
    ['a{sv}', [['key', { signature: '(nx)', value: [-1, 1n] }]]],
    ['aay', [Uint8Array.of(1), new Uint8Array(0)]],
  ]
  const writer = new Writer()
  for (const [type, value] of values) writer.value(type, value)
  const reader = new Reader(writer.bytes)
  for (const [type, value] of values) t.same(reader.value(type), value, type)
})

t.test('a value that its type cannot hold is refused', async (t) => {
  for (const [type, value] of [
    ['y', 256],
    ['n', 0x8000],
    ['u', -1],
    ['i', 1.5],
    ['x', 2n ** 63n],
    ['t', -1n],
  ] as const) {
    t.throws(() => new Writer().value(type, value), { message: new RegExp(`type ${type} cannot hold`) })
  }
  t.throws(() => new Writer().value('s', 'a\0b'), { message: /NUL/ })
  t.throws(() => new Writer().all('ss', ['one']), { message: /1 values for D-Bus signature/ })
})

t.test('signatures are taken apart, and what is none is refused', async (t) => {
  t.same(completeTypes('sa(sv)a{s(ii)}u'), ['s', 'a(sv)', 'a{s(ii)}', 'u'])
  for (const broken of ['(', 'a', '()', 'z', '(s', `${'a'.repeat(70)}s`]) {
    t.throws(() => completeTypes(broken), { name: 'TypeError' }, broken)
  }
})

t.test('a message cut short anywhere, or with a length changed, is an error and never read past its end', async (t) => {
  const whole = bytes(recorded.call)
  t.equal(messageLength(whole), whole.length)
  t.equal(messageLength(whole.subarray(0, 15)), undefined)
  for (let length = 16; length < whole.length; length++) {
    t.throws(() => decodeMessage(whole.slice(0, length)), String(length))
  }
  for (let at = 0; at < whole.length; at++) {
    const changed = whole.slice()
    changed[at] = 0xff
    try {
      decodeMessage(changed)
    } catch (error) {
      t.ok(error instanceof RangeError || error instanceof TypeError, String(at))
    }
  }
  t.throws(() => messageLength(bytes(`42${recorded.hello.slice(2)}`)), { message: 'this is not a D-Bus message' })
})

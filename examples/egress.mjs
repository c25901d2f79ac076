// Runs a program on the network of the host that reaches only the addresses it is given: connect(2) is decided here, and
// done in the place of the program, so that it cannot change the address behind our back.
// usage: node egress.mjs ROOT ADDRESS:PORT[,ADDRESS:PORT…] COMMAND [ARGUMENT…]
import { defaultConfig, Runtime } from 'tsrun'

const [root, list = '', ...args] = process.argv.slice(2)
const allowed = new Set(list.split(','))
const runtime = new Runtime({ root, onWarning: (message) => console.error(message) })
const config = defaultConfig({ rootfs: 'host', root, network: 'host', args })

const [AF_INET, AF_INET6, SOCK_STREAM, IPPROTO_TCP, MSG_FASTOPEN] = [2, 10, 1, 6, 0x20000000]
const equal = (index, value) => ({ index, value, op: 'SCMP_CMP_EQ' })
const masked = (index, value, valueTwo) => ({ index, value, valueTwo, op: 'SCMP_CMP_MASKED_EQ' })

/** Calls that could reach somebody without connect(2), or let somebody in. What they are given is in registers: a filter does. */
const own = ['socket', 'sendto', 'sendmsg', 'sendmmsg', 'bind', 'listen']
const tcp = [AF_INET, AF_INET6].flatMap((family) =>
  [0, IPPROTO_TCP].map((protocol) => ({
    names: ['socket'],
    action: 'SCMP_ACT_ALLOW',
    args: [equal(0, family), masked(1, 0xf, SOCK_STREAM), equal(2, protocol)],
  })),
)
const sends = Object.entries({ sendto: 3, sendmsg: 2, sendmmsg: 3 }).map(([name, flags]) => ({
  names: [name],
  action: 'SCMP_ACT_ALLOW',
  args: [masked(flags, MSG_FASTOPEN, 0)],
}))
const { seccomp } = config.linux
const others = seccomp.syscalls
  .map((rule) => ({ ...rule, names: rule.names.filter((name) => !own.includes(name)) }))
  .filter((rule) => rule.names.length > 0)
// Only the native architecture: others have other ways to make these calls.
const [architecture] = seccomp.architectures
const filter = { ...seccomp, architectures: [architecture], syscalls: [...others, ...tcp, ...sends] }

/** `ADDRESS:PORT` of a struct sockaddr. */
function describe(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const family = view.getUint16(0, true)
  const port = view.getUint16(2)
  if (family === AF_INET) return `${bytes.subarray(4, 8).join('.')}:${port}`
  const words = Array.from({ length: 8 }, (_, at) => view.getUint16(8 + 2 * at))
  // ::ffff:a.b.c.d
  if (words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff)
    return `${bytes.subarray(20, 24).join('.')}:${port}`
  return `${new URL(`http://[${words.map((word) => word.toString(16)).join(':')}]`).hostname}:${port}`
}

const onSyscall = {
  async connect(call) {
    const [socket, address, length] = call.args
    const bytes = call.read(address, Math.min(Number(length), 128))
    const target = describe(bytes)
    if (allowed.has(target)) return call.connect(socket, bytes)
    console.error(`refused: ${target}`)
    return { errno: 'ECONNREFUSED' }
  },
}

const container = await runtime.create(`egress-${process.pid}`, {
  bundle: config.root.path,
  config: { ...config, linux: { ...config.linux, seccomp: filter } },
  onSyscall,
})
try {
  await container.start()
  const { code, signal } = await container.wait()
  process.exitCode = code ?? 128 + signal
} finally {
  await container.delete({ force: true })
}

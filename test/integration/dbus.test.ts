/** The D-Bus client against a real bus, and against ones that break off or keep silent. */
import { spawn } from 'node:child_process'
import { createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { Connection } from '#dist/dbus/connection.js'
import { eventWaiter } from '#dist/library/waiter.js'
import { Scope } from '../helpers/scope.js'

const limit = 10_000
const bus = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' }
const open = (path: string, patience = limit): Promise<Connection> =>
  Connection.open(path, (fd) => eventWaiter.readable(fd), patience)

/** Path of a socket in a folder that goes with the test. */
function socketPath(t: Test): string {
  const scope = new Scope()
  t.teardown(() => scope.close())
  return scope.path('bus')
}

async function realBus(t: Test): Promise<string> {
  const path = socketPath(t)
  const daemon = spawn('dbus-daemon', ['--session', `--address=unix:path=${path}`, '--nofork', '--print-address'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(async () => {
    daemon.kill()
    await once(daemon, 'exit')
  })
  await once(daemon.stdout, 'data')
  return path
}

t.test('a real bus takes the messages and answers', async (t) => {
  const path = await realBus(t)
  const connection = await open(path)
  t.teardown(() => connection.close())
  const [names] = await connection.call(bus, 'ListNames', '', [])
  t.ok((names as string[]).includes('org.freedesktop.DBus'))
  const [owned] = await connection.call(bus, 'RequestName', 'su', ['org.example.Tsrun', 4])
  t.equal(owned, 1)
  const [uid] = await connection.call(bus, 'GetConnectionUnixUser', 's', ['org.example.Tsrun'])
  t.equal(uid, process.geteuid?.(), 'the bus knows the uid of the peer without being told')
})

t.test('an error of the bus has its name, and the connection goes on', async (t) => {
  const connection = await open(await realBus(t))
  t.teardown(() => connection.close())
  await t.rejects(connection.call(bus, 'GetNameOwner', 's', ['org.example.Nobody']), {
    code: 'ERR_TSRUN_SYSTEMD',
    dbusName: 'org.freedesktop.DBus.Error.NameHasNoOwner',
    message: /^systemd GetNameOwner: /,
  })
  const [has] = await connection.call(bus, 'NameHasOwner', 's', ['org.freedesktop.DBus'])
  t.equal(has, true)
})

t.test('a signal is found whether it comes before or after it is asked for', async (t) => {
  const path = await realBus(t)
  const connection = await open(path)
  t.teardown(() => connection.close())
  await connection.subscribe("type='signal',member='NameOwnerChanged'")
  const other = await open(path)
  t.teardown(() => other.close())
  await other.call(bus, 'RequestName', 'su', ['org.example.First', 4])
  await connection.call(bus, 'ListNames', '', []) // by now the signal has come
  const isOf =
    (name: string) =>
    ({ member, body }: { member?: string; body: readonly unknown[] }): boolean =>
      member === 'NameOwnerChanged' && body[0] === name
  t.same((await connection.signal('the first', isOf('org.example.First'))).body[1], '')
  const later = connection.signal('the second', isOf('org.example.Second'))
  await other.call(bus, 'RequestName', 'su', ['org.example.Second', 4])
  t.equal((await later).body[0], 'org.example.Second')
})

/** A bus that does as it likes with who connects. */
async function oddBus(t: Test, behave: (socket: Socket) => void): Promise<string> {
  const path = socketPath(t)
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    behave(socket)
  })
  server.listen(path)
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return path
}

t.test('a bus that refuses, breaks off, or sends rubbish is an error that says so', async (t) => {
  const code = 'ERR_TSRUN_SYSTEMD'
  const refusing = await oddBus(t, (socket) => socket.write('REJECTED ANONYMOUS\r\n'))
  await t.rejects(open(refusing), { code, message: /answered "REJECTED ANONYMOUS" to the authentication$/ })
  const closing = await oddBus(t, (socket) => socket.end())
  await t.rejects(open(closing), { code, message: /closed the connection before the authentication$/ })
  const rubbish = await oddBus(t, (socket) => socket.write('DATA\r\nOK 00\r\nrubbish in place of a message'))
  await t.rejects(open(rubbish), { code, message: /this is not a D-Bus message$/ })
  await t.rejects(open(`${rubbish}-missing`), { code: 'ERR_TSRUN_SYSCALL', errnoName: 'ENOENT' })
})

t.test('a bus that keeps silent costs no more than the limit', async (t) => {
  const silent = await oddBus(t, () => undefined)
  await t.rejects(open(silent, 50), {
    code: 'ERR_TSRUN_SYSTEMD',
    message: /the authentication has not come in 0\.05 seconds$/,
  })
})

/** Pulls that are killed: nothing is broken, nothing goes on, and the next one is whole. The soak lane has 200 of them. */
import { setTimeout as delay } from 'node:timers/promises'
import { writeLayout } from '../helpers/image.js'
import { assertKillable, layersOfMany } from '../helpers/image-kills.js'
import { processesWith } from '../helpers/leaks.js'
import { awaitProcess } from '../helpers/peer.js'
import { FakeRegistry } from '../helpers/registry.js'
import { ended } from '../helpers/runtime.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun', 'overlay')

test('a pull that is killed at some moments is whole after one that is not, and its download ends with it', async (t, scope) => {
  writeLayout(scope.path('layout'), { layers: layersOfMany() })
  const server = await FakeRegistry.listen({ folder: scope.path('layout'), pause: 20 })
  scope.defer(() => server.close())
  const name = `${server.host}/test`
  await assertKillable(t, scope, { rounds: 5, args: ['pull', '--insecure', name], name })

  const slow = await FakeRegistry.listen({ folder: scope.path('layout'), pause: 60_000 })
  scope.defer(() => slow.close())
  const args = ['image', 'pull', '--insecure', '--image-root', scope.path('other'), `${slow.host}/test`]
  const child = scope.runner.spawn(args)
  const downloads = (): number[] =>
    processesWith(scope.word).flatMap(({ pid, command }) => (command.includes('download/main.js') ? [pid] : []))
  for (let wait = 0; slow.blobs.length === 0 && wait < 3000; wait++) await delay(10)
  const [pid = 0, ...more] = downloads()
  t.same([pid > 0, more], [true, []])
  child.kill('SIGKILL')
  await ended(child)
  awaitProcess(pid)
})

/** An import and a pull that are killed at any moment: nothing is broken, and the next one goes on. */
import { writeLayout } from '../helpers/image.js'
import { assertKillable, layersOfMany } from '../helpers/image-kills.js'
import { FakeRegistry } from '../helpers/registry.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun', 'overlay')
const rounds = Math.min(Number(process.env.ROUNDS ?? 200), 200)

test(`an import is killed at ${rounds} moments, and is whole after a last one that is not`, async (t, scope) => {
  writeLayout(scope.path('layout'), { layers: layersOfMany() })
  await assertKillable(t, scope, { rounds, args: ['import', '--name', 'test', scope.path('layout')], name: 'test' })
})

test(`a pull is killed at ${rounds} moments, and is whole after a last one that is not`, async (t, scope) => {
  writeLayout(scope.path('layout'), { layers: layersOfMany() })
  const server = await FakeRegistry.listen({ folder: scope.path('layout'), pause: 20 })
  scope.defer(() => server.close())
  const name = `${server.host}/test`
  await assertKillable(t, scope, { rounds, args: ['pull', '--insecure', name], name })
})

/** The library on several versions of Node.js and on Bun: worker threads that are ended in every state of a wait. */
import { join } from 'node:path'
import { sleeper } from '../helpers/exec.js'
import { engines } from '../helpers/nodes.js'
import { test } from '../helpers/test.js'
import { projectRoot } from '../helpers/tools.js'

for (const engine of engines()) {
  test(
    `a worker thread can be terminated whatever its containers do: ${engine.name}`,
    (t, scope) => {
      if (engine.missing !== false) {
        t.pass(engine.name, { skip: engine.missing })
        return
      }
      const { path } = scope.bundle(sleeper)
      const program = join(projectRoot, 'build/test/helpers/programs/worker-ends.js')
      const { status, stdout, stderr } = scope.runner.runProgram(engine.path, [program, scope.root, path, scope.word])
      t.same({ status, stderr }, { status: 0, stderr: '' })
      t.same(JSON.parse(stdout), { states: 8, code: null, signal: 9 })
      t.same(scope.leftovers(), [])
    },
    { needs: ['tsrun'] },
  )
}

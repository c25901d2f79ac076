/** docs/embedding.md: its programs do what it says, as printed. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sleeper } from '../helpers/exec.js'
import { engines } from '../helpers/nodes.js'
import { test } from '../helpers/test.js'
import { projectRoot } from '../helpers/tools.js'

const text = readFileSync(join(projectRoot, 'docs/embedding.md'), 'utf8')
const programs = [...text.matchAll(/```js\n(.*?)```/gs)].map(([, program = '']) => program)

for (const engine of engines()) {
  test(
    `the programs of docs/embedding.md run as printed, and print what it says: ${engine.name}`,
    (t, scope) => {
      if (engine.missing !== false) {
        t.pass(engine.name, { skip: engine.missing })
        return
      }
      const { bundle } = scope.container(sleeper)
      for (const program of programs)
        t.notMatch(program, /console\.log\((?!`)[^\n]*\{/, 'each engine prints an object in its own way')
      const outputs = programs.map((program, at) => {
        // Where `tsrun` is this very package.
        const path = join(projectRoot, `build/embedding-${process.pid}-${at}.mjs`)
        writeFileSync(path, program)
        scope.defer(() => void scope.runner.runProgram('rm', ['-f', path]))
        const { status, stdout, stderr } = scope.runner.runProgram(engine.path, [path, scope.root, bundle.path])
        t.same({ status, stderr }, { status: 0, stderr: '' })
        return stdout
      })
      const printed = /It prints\n\n```\n(.*?)```/s.exec(text)?.[1]
      t.same(outputs, ['hello from nobody 3 false false\n', printed, 'ERR_TSRUN_NOT_FOUND nobody\n'])
      t.same(scope.leftovers(), [])
    },
    { needs: ['tsrun'] },
  )
}

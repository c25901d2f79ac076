/** The library and its command on several versions of Node.js and on Bun: worker threads that are ended, bytes that are not UTF-8. */
import { readFileSync } from 'node:fs'
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
  test(
    `arguments and variables that are not UTF-8 are handed on as they came: ${engine.name}`,
    (t, scope) => {
      if (engine.missing !== false) {
        t.pass(engine.name, { skip: engine.missing })
        return
      }
      const out = scope.path('out')
      const container = scope.container((config) => {
        config.process.args = ['/bin/true']
        config.hooks = { createRuntime: [{ path: '/usr/bin/env', args: ['env'] }] }
        config.annotations = { 'run.oci.hooks.stdout': out }
      })
      // Made by the shell: JavaScript has no such arguments and variables to give. Without the test runner's loader, whose
      // thread Node.js gives a copy of the variables: of such names it cannot make one, and aborts.
      const script = `
        b=$(printf 'a\\377b\\303\\244')
        exec env -u NODE_OPTIONS "V=$b" "N$b=1" "N$b"2= "$(printf 'F\\357\\277\\275=3')" "$@" --pid-file "$FOLDER/$b" "$ID"`
      const command = [engine.path, join(projectRoot, 'dist/cli/main.js'), '--root', scope.root]
      const args = [...command, 'run', '--bundle', container.bundle.path]
      const env = { PATH: process.env.PATH ?? '', FOLDER: container.bundle.path, ID: container.id }
      const result = scope.runner.runProgram('/bin/sh', ['-c', script, 'sh', ...args], { env })
      t.match(result, { status: 0, stderr: '' })
      const told = readFileSync(out, 'latin1').split('\n')
      const bytes = 'a\xffb\xc3\xa4'
      const wanted = [`V=${bytes}`, `N${bytes}=1`, `N${bytes}2=`, 'F\xef\xbf\xbd=3']
      t.same(told.filter((line) => /^[VNF](a|=|\xef)/.test(line)).sort(), wanted.sort())
    },
    { needs: ['tsrun'] },
  )
}

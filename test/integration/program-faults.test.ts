/** Programs that cannot be executed: create says so, in words that engines look for, and leaves nothing. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeRootfs, type Bundle } from '../helpers/bundle.js'
import { test } from '../helpers/test.js'

/** A program that is at fault, found already by create. */
function testProgram(title: string, args: string[], words: RegExp, spoil: (bundle: Bundle) => void = () => undefined) {
  test(title, (t, scope) => {
    for (const uid of [0, 1000]) {
      const container = scope.container((config) => {
        config.process.args = args
        config.process.user = { uid, gid: uid }
        config.process.capabilities = {}
        config.process.env = ['PATH=/tools:/bin']
      })
      spoil(container.bundle)
      const { status, stdout, stderr } = container.create()
      t.equal(status, 1)
      t.equal(stdout, '')
      t.match(stderr, words)
      // One line for the error, and one for what helps where that is known.
      t.match(stderr, /^[^\n]+\n(hint: [^\n]+\n)?$/)
      t.same(scope.leftovers(), [])
    }
  })
}

const put = (text: string, mode: number) => (bundle: Bundle) => {
  mkdirSync(join(bundle.rootfs, 'tools'))
  writeFileSync(join(bundle.rootfs, 'tools/program'), text)
  chmodSync(join(bundle.rootfs, 'tools/program'), mode)
}

testProgram('a name that is not in PATH', ['program'], /executable file not found in \$PATH/)
testProgram('a path that doesn’t exist', ['/no/such/program'], /no such file or directory/)
testProgram('a path through a file', ['/probe/program'], /not a directory/)
testProgram('a directory', ['/bin'], /is a directory|permission denied/)
testProgram('a file that is not executable', ['/tools/program'], /permission denied/, put('#!/bin/sh\n', 0o644))
testProgram(
  'a file in PATH that is not executable',
  ['program'],
  /permission denied|not found in \$PATH/,
  put('', 0o644),
)

test('a file that only root may execute is no program for another user', (t, scope) => {
  const container = scope.container((config) => {
    config.process.args = ['/tools/program']
    config.process.user = { uid: 1000, gid: 1000 }
    config.process.capabilities = {}
  })
  put('#!/bin/sh\n', 0o700)(container.bundle)
  t.match(container.create(), { status: 1, stderr: /permission denied/ })
  t.same(scope.leftovers(), [])
})

test('a script whose interpreter is missing, and a file that is no program, make start fail', (t, scope) => {
  for (const [text, words] of [
    ['#!/no/such/interpreter\n', /no such file or directory/],
    ['not a program\n', /exec format error/],
  ] as const) {
    const container = scope.container((config) => {
      config.process.args = ['/tools/program']
    })
    put(text, 0o755)(container.bundle)
    t.equal(container.create().status, 0)
    const { status, stderr } = container.start()
    t.equal(status, 1)
    t.match(stderr, words)
    t.equal(container.state().status, 'stopped')
    t.equal(container.delete().status, 0)
  }
})

test('a rootfs without anything in it has no program', (t, scope) => {
  const container = scope.container((config) => {
    config.mounts = []
    config.process.args = ['/sh']
  })
  scope.runner.runProgram('rm', ['-rf', container.bundle.rootfs])
  mkdirSync(container.bundle.rootfs)
  const { status, stderr } = container.run([], { input: '' })
  t.equal(status, 1)
  t.match(stderr, /no such file or directory/)
  t.same(scope.leftovers(), [])
  makeRootfs(container.bundle.rootfs)
})

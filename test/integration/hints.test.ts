/** What is said to who has mistyped a container id: at a terminal alone, since engines ask for what has gone as a matter of course. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { TerminalSession } from '../helpers/terminal-session.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun')

test(
  'at a terminal the container that is near, or the only one that begins so, is named',
  async (t, scope) => {
    for (const name of ['webserver', 'e3b0c44298fc1c14']) mkdirSync(join(scope.root, name))
    const session = new TerminalSession(scope, 'sh')
    const says = async (id: string, hint: RegExp) => {
      session.press(`clear; ${scope.runner.commandLine(['state', id]).join(' ')}; echo ${id}: $?`, 'Enter')
      // The id: what the last command has shown may not be cleared yet.
      t.match(await session.shows(new RegExp(`^${id}: 1$`, 'm')), hint)
    }
    await says('webservre', /container "webservre" does not exist\nhint: did you mean webserver\?\n/)
    await says('e3b0', /hint: did you mean e3b0c44298fc1c14\?\n/)
    await says('database', /container "database" does not exist\ndatabase: 1/)
    for (const name of ['webserver', 'e3b0c44298fc1c14']) scope.runner.runProgram('rmdir', [join(scope.root, name)])
  },
  { needs: ['tmux'] },
)

test('a pipe gets the error alone', (t, scope) => {
  mkdirSync(join(scope.root, 'webserver'))
  t.match(scope.runtime(['state', 'webservre']), { status: 1, stderr: 'tsrun: container "webservre" does not exist\n' })
  scope.runner.runProgram('rmdir', [join(scope.root, 'webserver')])
})

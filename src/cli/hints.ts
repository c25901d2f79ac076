/** Command line: what somebody may have meant whose command line or container id is wrong. Loaded after a failure only. */
import { defaultRoot, isTsrunError, nearest } from '../core.js'
import { listDirectory, terminalSize } from '../native/binding.js'
import type { CommandSpec } from './command.js'
import { dockerFlags } from './docker-flags.js'
import { globalOptions } from './options.js'
import { commands } from './program.js'

/** What other tools call it. */
const otherNames: Readonly<Record<string, string>> = {
  ...{ ls: 'list', rm: 'delete', remove: 'delete', stop: 'kill ID', inspect: 'state ID', stats: 'top' },
  ...{ unpause: 'resume ID', info: 'doctor', up: 'run ID', shell: 'exec -it ID sh', attach: 'exec -it ID sh' },
}

const terminalOfConfig = 'config.json decides: "terminal": true in its "process" gives a terminal'

/** Flags that people type out of habit, by command. */
const habits: Readonly<Record<string, readonly (readonly [RegExp, string])[]>> = {
  run: dockerFlags,
  create: [[/^(it|ti|i|t|tty|interactive)$/, terminalOfConfig]],
  exec: [[/^(w|workdir)$/, 'the working directory is --cwd']],
  ps: [[/./, 'options of ps(1) follow the container id: tsrun ps ID -ef']],
}

/** What may be done about an error, if there is a guess; `root` is what --root says. */
export function hintFor(
  error: unknown,
  invocation: { readonly command?: CommandSpec | undefined; readonly root?: string | undefined },
): string | undefined {
  if (!isTsrunError(error)) return undefined
  // Engines ask for containers that have gone as a matter of course.
  if (error.code === 'ERR_TSRUN_NOT_FOUND' && terminalSize(2) === undefined) return undefined
  if (error.code === 'ERR_TSRUN_NOT_FOUND') return ask(similarId(error.id, invocation.root ?? defaultRoot()))
  if (error.code === 'ERR_TSRUN_SYSCALL' && /exec: "-/.test(error.message) && invocation.command?.name === 'exec') {
    return 'options of exec stand before the container id: tsrun exec -it ID sh'
  }
  const [, command] = /^unknown command "([^"]*)"/.exec(error.message) ?? []
  if (command !== undefined)
    return ask(
      Object.hasOwn(otherNames, command) ? otherNames[command] : nearest(command, Object.keys(commands)),
      'tsrun ',
    )
  if (/^--(interactive|tty) goes with --image/.test(error.message)) return terminalOfConfig
  const [, flag] = /^flag provided but not defined: -(.*)$/.exec(error.message) ?? []
  return flag === undefined ? undefined : forFlag(flag, invocation.command)
}

function forFlag(flag: string, command: CommandSpec | undefined): string | undefined {
  const habit = command && habits[command.name]?.find(([pattern]) => pattern.test(flag))?.[1]
  if (habit !== undefined) return habit
  const near = nearest(
    flag,
    (command?.options ?? globalOptions).map(({ name }) => name),
  )
  if (near !== undefined) return ask(near, '--')
  if (command === undefined) return undefined
  if (globalOptions.some(({ name, ...rest }) => name === flag || ('short' in rest && rest.short === flag))) {
    return `--${flag} stands before the command: tsrun --${flag} … ${command.name}`
  }
  return undefined
}

const ask = (meant: string | undefined, before = ''): string | undefined =>
  meant === undefined ? undefined : `did you mean ${before}${meant}?`

/** An id that is near, or the only one that begins so: the ids of engines are long. */
function similarId(id: string, root: string): string | undefined {
  try {
    const ids = listDirectory(root).filter((name) => !name.startsWith('.') && name !== id)
    const longer = ids.filter((name) => name.startsWith(id))
    return longer.length === 1 ? longer[0] : nearest(id, ids)
  } catch {
    // No such root, or not for this user: there is nothing to suggest.
    return undefined
  }
}

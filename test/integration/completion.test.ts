/** The Tab key in real shells: bash, zsh and fish as Debian has them. */
import { dirname } from 'node:path'
import { runtimeCommand } from '../helpers/requires.js'
import type { Scope } from '../helpers/scope.js'
import { TerminalSession } from '../helpers/terminal-session.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun', 'static', 'tmux')

/** How each shell is started without what the user has set up, and how it takes the script. */
const shells = {
  bash: { start: 'bash --norc --noprofile', load: 'source <(tsrun completion bash)' },
  zsh: { start: 'zsh -f', load: 'autoload -Uz compinit; compinit -D; source <(tsrun completion zsh)' },
  // Its prompt has the folder's path, which may leave no room for a line.
  fish: { start: `fish --no-config -C 'function fish_prompt; echo "> "; end'`, load: 'tsrun completion fish | source' },
} as const

/** A shell at a terminal, with tsrun on its PATH. */
async function open(scope: Scope, shell: keyof typeof shells): Promise<TerminalSession> {
  const { start, load } = shells[shell]
  const path = `${dirname(runtimeCommand()[0])}:${process.env.PATH}`
  const session = new TerminalSession(scope, `env PATH=${path} HOME=${scope.folder} PS1='%% ' ${start}`)
  session.press(`${load}; echo load''ed`, 'Enter')
  await session.shows(/^loaded$/m)
  session.press('clear', 'Enter')
  return session
}

for (const shell of ['bash', 'zsh', 'fish'] as const) {
  test(
    `${shell} completes commands, flags, values, files and the ids of containers`,
    async (t, scope) => {
      const container = scope.container()
      t.match(container.create(), { status: 0, stderr: '' })
      const session = await open(scope, shell)
      const completes = async (typed: string, whole: RegExp): Promise<void> => {
        session.press(typed, 'Tab')
        await session.shows(whole)
        t.pass(`${typed} becomes ${String(whole)}`)
        session.press('C-c')
        session.press('clear', 'Enter')
      }
      await completes('tsrun upd', /tsrun update\b/)
      await completes('tsrun exec --pres', /tsrun exec --preserve-fds\b/)
      await completes('tsrun --log-format js', /tsrun --log-format json\b/)
      await completes('tsrun --log-format=js', /tsrun --log-format=json\b/)
      await completes(`tsrun run --bundle ${scope.folder}/bun`, /bundle-\d/)
      await completes(
        `tsrun --root ${scope.root} state ${container.id.slice(0, -3)}`,
        new RegExp(`state ${container.id}`),
      )
      session.press('tsrun st', 'Tab', 'Tab', 'Tab')
      await session.shows(/start[\s\S]*state|state[\s\S]*start/)
    },
    { needs: shell === 'bash' ? [] : [shell] },
  )
}

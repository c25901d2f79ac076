/** `tsrun completion`. */
import { CoreRuntime, UsageError } from '../../core.js'
import { defineCommand } from '../command.js'
import { type Candidate, complete, type Completion, shells } from '../complete.js'

type Shell = (typeof shells)[number]

/** What each shell evaluates: it asks tsrun at every Tab, so that it never knows other flags than the program. */
const scripts: Readonly<Record<Shell, string>> = {
  bash: `_tsrun() {
  local current=\${COMP_WORDS[COMP_CWORD]} IFS=$'\\n'
  local -a found
  mapfile -t found < <("\${COMP_WORDS[0]}" completion bash "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  [[ $current == = ]] && current=
  case \${found[0]} in
    files) compopt -o filenames; COMPREPLY=($(compgen -f -- "$current")) ;;
    directories) compopt -o filenames; COMPREPLY=($(compgen -d -- "$current")) ;;
    *) COMPREPLY=("\${found[@]:1}") ;;
  esac
}
complete -F _tsrun tsrun
`,
  zsh: `#compdef tsrun
_tsrun() {
  local -a found
  found=("\${(@f)$($words[1] completion zsh "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  local kind=$found[1]
  shift found
  [[ $kind != words && $PREFIX == -*=* ]] && compset -P '*='
  case $kind in
    files) _files ;;
    directories) _files -/ ;;
    *) _describe -V tsrun found ;;
  esac
}
if [[ $funcstack[1] == _tsrun ]]; then _tsrun "$@"; else compdef _tsrun tsrun; fi
`,
  fish: `function __tsrun_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l current (commandline -ct)
    set -l found (command $program completion fish $words "$current" 2>/dev/null)
    set -l kind $found[1]
    set -e found[1]
    switch $kind
        case files
            __fish_complete_path "$current"
        case directories
            __fish_complete_directories "$current"
        case '*'
            printf '%s\\n' $found
    end
end
complete -c tsrun -f -a '(__tsrun_complete)'
`,
}

/** A word and what it is, as a shell takes them: bash shows words alone. */
const lines: Readonly<Record<Shell, (one: Candidate) => string>> = {
  bash: ({ word }) => word,
  zsh: ({ word, about }) => `${word.replaceAll(':', '\\:')}${about === '' ? '' : `:${about}`}`,
  fish: ({ word, about }) => `${word}\t${about}`,
}

/** Prints the script that makes a shell complete the command line of tsrun, or completes it for that script. */
export const command = defineCommand({
  name: 'completion',
  description:
    'Prints what makes a shell (bash, zsh or fish) complete commands, flags, values and container ids at the Tab key: ' +
    'source <(tsrun completion bash). With the words of a command line it prints what the last one may become.',
  options: [],
  arguments: ['<shell>', '[words...]'],
  stopAtPositional: true,
  async run({ args: [name, words], context }) {
    const shell = shells.find((one) => one === name)
    if (shell === undefined) throw new UsageError(`no completion for ${JSON.stringify(name)}: ${shells.join(', ')}`)
    context.print(words.length === 0 ? scripts[shell] : format(shell, await complete(words, listContainers)))
    return 0
  },
})

const format = (shell: Shell, completion: Completion): string =>
  typeof completion === 'string' ? `${completion}\n` : ['words', ...completion.map(lines[shell]), ''].join('\n')

async function listContainers(root: string | undefined): Promise<readonly Candidate[]> {
  const { containers } = await new CoreRuntime(root === undefined ? {} : { root }).list()
  return containers.map(({ id, status, bundle }) => ({ word: id, about: `${status}, ${bundle}` }))
}

/** Command line: what may stand at the place of the cursor, by the tables of options and arguments, for all shells. */
import { signalNames } from '../core.js'
import type { OptionSpec } from './argv.js'
import type { CommandSpec } from './command.js'
import { globalOptions } from './options.js'
import { commands, loadCommand } from './program.js'

/** A word that may stand there, and what it is. */
export interface Candidate {
  readonly word: string
  readonly about: string
}

/** What may stand there: files are for the shell to find, it knows the directory and the quotes. */
export type Completion = readonly Candidate[] | 'files' | 'directories'

/** The containers below a root, the default one without it. */
export type ContainerSource = (root: string | undefined) => Promise<readonly Candidate[]>

/** The shells that a script is there for. */
export const shells = ['bash', 'zsh', 'fish'] as const

const help: OptionSpec = { name: 'help', short: 'h', kind: 'boolean', description: 'show help' }

/** Values that are paths, by what stands for them in the help. */
const paths: Readonly<Record<string, 'files' | 'directories'>> = { FILE: 'files', SOCKET: 'files', DIR: 'directories' }

/** What the words up to the cursor say about the one at it. */
interface Place {
  readonly command?: CommandSpec
  /** The option whose value it is. */
  readonly option?: OptionSpec
  /** How many positionals of the command stand before it. */
  readonly positionals: number
  /** It cannot be a flag. */
  readonly flagsEnded: boolean
  readonly root?: string
}

/** Completes the last of these words, which follow the name of the program. */
export async function complete(words: readonly string[], containers: ContainerSource): Promise<Completion> {
  const [current, before] = withoutEquals(words)
  const place = await findPlace(before)
  const { option, flagsEnded, command } = place
  if (option !== undefined) return startingWith(current, valuesOf(option))
  const table: readonly OptionSpec[] = [...(command?.options ?? globalOptions), help]
  if (!current.startsWith('-') || flagsEnded) return startingWith(current, await argumentsAt(place, containers))
  const equals = current.indexOf('=')
  if (equals < 0) {
    return startingWith(
      current,
      table.map(({ name, description }) => ({ word: `--${name}`, about: description })),
    )
  }
  const name = current.slice(0, equals).replace(/^--?/, '')
  const values = valuesOf(table.find((one) => one.name === name || one.short === name))
  if (typeof values === 'string') return values
  return startingWith(
    current,
    values.map(({ word, about }) => ({ word: `${current.slice(0, equals + 1)}${word}`, about })),
  )
}

/** bash takes `--format=js` for three words. */
function withoutEquals(words: readonly string[]): [string, readonly string[]] {
  const last = words.at(-1) ?? ''
  return last === '=' ? ['', words.slice(0, -1)] : [last, words.slice(0, -1).filter((word) => word !== '=')]
}

async function findPlace(before: readonly string[]): Promise<Place> {
  let command: CommandSpec | undefined
  let option: OptionSpec | undefined
  let positionals = 0
  let flagsEnded = false
  let root: string | undefined
  for (const word of before) {
    if (option !== undefined) {
      if (option === globalOptions[0]) root = word
      option = undefined
    } else if (word === '--') flagsEnded = true
    else if (word.startsWith('-') && !flagsEnded) {
      const [, name = '', value] = /^--?([^=]*)(?:=(.*))?$/s.exec(word) ?? []
      const table: readonly OptionSpec[] = command?.options ?? globalOptions
      const found = table.find((one) => one.name === name || one.short === name)
      if (found === globalOptions[0] && value !== undefined) root = value
      if (found !== undefined && found.kind !== 'boolean' && value === undefined) option = found
    } else if (command === undefined) {
      if (!Object.hasOwn(commands, word)) return { positionals: Infinity, flagsEnded: true }
      command = await loadCommand(word)
    } else {
      positionals++
      if (command.stopAtPositional) flagsEnded = true
    }
  }
  return {
    ...{ positionals, flagsEnded },
    ...(command === undefined ? {} : { command }),
    ...(option === undefined ? {} : { option }),
    ...(root === undefined ? {} : { root }),
  }
}

const valuesOf = (option: OptionSpec | undefined): Completion =>
  option?.choices?.map((word) => ({ word, about: '' })) ?? paths[option?.value ?? ''] ?? []

const summaries = (): Candidate[] => Object.entries(commands).map(([word, { summary }]) => ({ word, about: summary }))

async function argumentsAt(place: Place, containers: ContainerSource): Promise<Completion> {
  const { command, positionals, root } = place
  if (command === undefined) return positionals === 0 ? summaries() : []
  switch (command.arguments[positionals]) {
    case '<container-id>':
    case '[container-id]':
      // What takes a bundle is about to make the container.
      return command.options.some(({ name }) => name === 'bundle') ? [] : await containers(root)
    case '[command]':
      return summaries()
    case '[signal]':
      return signalNames.map((word) => ({ word, about: '' }))
    case '<shell>':
      return shells.map((word) => ({ word, about: '' }))
    default:
      return []
  }
}

const startingWith = (start: string, completion: Completion): Completion =>
  typeof completion === 'string' ? completion : completion.filter(({ word }) => word.startsWith(start))

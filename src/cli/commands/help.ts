/** `tsrun help`. */
import { buildCommand, defineCommand } from '../command.js'
import { commands, loadCommand, program } from '../program.js'

/** Prints the help of tsrun or of a command. */
export const command = defineCommand({
  name: 'help',
  description: 'Prints the list of commands, or the help of one.',
  options: [],
  arguments: ['[command]'],
  async run({ args: [name], context }) {
    context.print(
      name === undefined ? programHelp() : buildCommand(`tsrun ${name}`, await loadCommand(name)).helpInformation(),
    )
    return 0
  },
})

/** The help of tsrun itself: the global options and all commands. */
export function programHelp(): string {
  const all = buildCommand('tsrun', { ...program, arguments: [] })
    .usage('[global options] COMMAND [options] [arguments]')
    .helpCommand(false)
  for (const [name, { summary }] of Object.entries(commands)) all.command(name).summary(summary)
  return all.helpInformation()
}

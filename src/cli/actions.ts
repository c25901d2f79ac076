/** Command line: a command that is a group of actions: `tsrun image list`. */
import { UsageError } from '../core.js'
import { type CommandContext, type CommandSpec, parseArguments } from './command.js'

/** A line for the help, and the module with the rest. */
export interface ActionEntry {
  readonly summary: string
  load(): Promise<{ readonly command: CommandSpec }>
}

/** Parses the arguments of an action, and runs it. @throws UsageError, MisuseError */
export async function runAction(
  group: string,
  actions: Readonly<Record<string, ActionEntry>>,
  name: string,
  args: readonly string[],
  context: CommandContext,
): Promise<number> {
  const entry = Object.hasOwn(actions, name) ? actions[name] : undefined
  if (entry === undefined)
    throw new UsageError(
      `unknown action ${JSON.stringify(name)}: tsrun ${group} has ${Object.keys(actions).join(', ')}`,
    )
  const { command } = await entry.load()
  const input = parseArguments(`tsrun ${group} ${name}`, command, args)
  if (input.help !== undefined) {
    context.print(input.help)
    return 0
  }
  return await command.run({ options: input.options, args: input.args as string[], rest: input.rest, context })
}

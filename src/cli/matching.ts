/** Command line: commands about all containers whose id matches an expression (`--regex` of crun). */
import { type CoreRuntime, messageChain, NotFoundError, UsageError } from '../core.js'
import type { OptionSpec } from './argv.js'
import type { CommandContext } from './command.js'

/** The option that makes a regular expression of the id. */
export const regexOption = {
  name: 'regex',
  short: 'r',
  kind: 'boolean',
  description: 'the id is a regular expression: all containers whose ids match it, anywhere in the id',
} as const satisfies OptionSpec

/**
 * Does something with each container whose id matches. One that has gone meanwhile counts as done; what
 * goes wrong with one is said on stderr and keeps nothing from the others.
 * @returns the exit status, 1 when something has gone wrong
 * @throws UsageError for what is no expression
 */
export async function forEachMatching(
  runtime: CoreRuntime,
  context: CommandContext,
  expression: string,
  action: (id: string) => Promise<void>,
): Promise<number> {
  const matches = parseExpression(expression)
  const { containers, broken } = await runtime.list()
  const ids = [...containers, ...broken].map(({ id }) => id).sort()
  let status = 0
  for (const id of ids.filter((one) => matches.test(one))) {
    try {
      await action(id)
    } catch (error) {
      if (error instanceof NotFoundError) continue
      context.complain(`container ${id}: ${messageChain(error)}`)
      status = 1
    }
  }
  return status
}

/** Of JavaScript; what POSIX alone has must not quietly mean something else. */
function parseExpression(text: string): RegExp {
  if (/\[[:.=]/.test(text)) throw new UsageError(`regular expression ${JSON.stringify(text)}: no [:classes:]`)
  try {
    return new RegExp(text, 'u')
  } catch (cause) {
    throw new UsageError(`cannot use the regular expression ${JSON.stringify(text)}`, { cause })
  }
}

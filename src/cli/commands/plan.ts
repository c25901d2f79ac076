/** `tsrun plan`. */
import { planToJson, printPlan, UsageError } from '../../core.js'
import { defineCommand } from '../command.js'
import { bundleOption, formatOption } from '../options.js'

/** Prints the launch plan of a bundle; needs no root and does nothing. */
export const command = defineCommand({
  name: 'plan',
  description: 'Prints what "tsrun create" would do with a bundle, in order, without doing it and without root.',
  options: [bundleOption, formatOption],
  arguments: ['[container-id]'],
  async run({ options: { bundle = '.', format }, args: [id], context }) {
    if (format !== 'table' && format !== 'json') throw new UsageError(`invalid format option: ${format}`)
    const runtime = context.runtime()
    const plan = await runtime.plan({ bundle, ...(id === undefined ? {} : { id }) })
    context.print(withNewline(format === 'json' ? planToJson(plan) : printPlan(plan)))
    return 0
  },
})

function withNewline(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`
}

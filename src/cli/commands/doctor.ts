/** `tsrun doctor`. */
import type { Examination } from '../../doctor/examine.js'
import type { State } from '../../doctor/check.js'
import { defineCommand } from '../command.js'
import { paint, type Colour } from '../colours.js'

const marks: Readonly<Record<State, readonly [string, Colour]>> = {
  ok: ['ok     ', 'green'],
  partly: ['partly ', 'yellow'],
  missing: ['missing', 'red'],
}

/** Prints what this host offers, found out by trying, and what of tsrun works with it. */
export const command = defineCommand({
  name: 'doctor',
  description:
    'Tries what this host offers to this user: kernel, cgroups, ids, security modules, engines, and a container that is ' +
    'really run. Says what of tsrun works with it, and what mends what does not. The status is 1 when no container runs.',
  options: [{ name: 'json', kind: 'boolean', description: 'print it as JSON' }],
  arguments: [],
  async run({ options: { json }, context }) {
    const { examine } = await import('../../doctor/examine.js')
    const found = await examine()
    context.print(json ? `${JSON.stringify(found, undefined, 2)}\n` : format(found))
    return found.works.find(({ name }) => name === 'run containers')?.state === 'missing' ? 1 : 0
  },
})

function format({ sections, works }: Examination): string {
  const lines: string[] = []
  const width = Math.max(...sections.flatMap(({ checks }) => checks.map(({ name }) => name.length)))
  for (const { title, checks } of sections) {
    lines.push(paint('bold', title))
    for (const { name, state, found, mend } of checks) {
      lines.push(`  ${mark(state)} ${name.padEnd(width)}  ${found}`)
      if (mend !== undefined) lines.push(`          ${' '.repeat(width)}  ${paint('cyan', `→ ${mend}`)}`)
    }
    lines.push('')
  }
  lines.push(paint('bold', 'what works'))
  for (const { name, state, because } of works) {
    lines.push(`  ${mark(state)} ${name}${because.length === 0 ? '' : `  (${because.join(', ')})`}`)
  }
  return `${lines.join('\n')}\n`
}

const mark = (state: State): string => paint(marks[state][1], marks[state][0])

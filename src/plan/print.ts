/** Stage 2, plan: a plan for people's eyes (`tsrun plan`), as a table or as JSON; numbers by their names. */
import { bitNames, type NamedValue, nameValue } from './bit-names.js'
import { cloneFlag } from '../config/vocabulary/namespaces.js'
import { formatRule } from './resources/devices.js'
import { renderWrites } from './resources/render.js'
import { type FieldKind, type Step, stepTable } from './steps.js'
import type { LaunchPlan, SourcePlan } from './types.js'

/** sizeof(struct sock_filter). */
const instructionSize = 8

type PrintedField = NamedValue | boolean | readonly (string | number)[]

/** A step with its fields in the table's order and its numbers named. */
interface PrintedStep {
  readonly op: string
  readonly fields: readonly (readonly [name: string, value: PrintedField])[]
}

/** The plan as a JSON document, indented, without a newline at the end. */
export function planToJson(plan: LaunchPlan): string {
  const { cloneFlags, steps, ...rest } = plan
  const printed = steps.map((step) => {
    const { op, fields } = describe(step)
    return { op, ...Object.fromEntries(fields) }
  })
  return escapeControls(
    JSON.stringify({ ...rest, cloneFlags: bitNames(cloneFlag, cloneFlags), steps: printed }, null, 2),
  )
}

/** The plan as a table: first what the parent does, then init's steps in their order. Ends with a newline. */
export function printPlan(plan: LaunchPlan): string {
  const rows = plan.steps.map(describe)
  const numberWidth = String(rows.length).length
  const opWidth = Math.max(...rows.map(({ op }) => op.length), 0)
  const lines = rows.map(({ op, fields }, index) => {
    const shown = fields
      .filter(([, value]) => !isEmpty(value))
      .map(([name, value]) => `${name}=${shortText(name, value)}`)
    return `${String(index + 1).padStart(numberWidth)}  ${op.padEnd(opWidth)}  ${shown.join('  ')}`.trimEnd()
  })
  return [...parentLines(plan), '', ...lines, ''].join('\n')
}

function parentLines(plan: LaunchPlan): string[] {
  const entries: [string, string][] = []
  const forks = plan.steps.some(({ op }) => op === 'fork')
  const made = bitNames(cloneFlag, plan.cloneFlags).join(' ')
  entries.push(['clone', made || (forks ? 'none: init forks' : 'no new namespace')])
  if (plan.cgroup.unified !== undefined) entries.push(['cgroup', text(plan.cgroup.unified)])
  for (const [controllers, path] of Object.entries(plan.cgroup.v1)) {
    entries.push(['cgroup', `${text(path)} (${controllers})`])
  }
  const { limits } = plan.resources
  for (const { hierarchy, file, value } of renderWrites(limits, limits, plan.cgroup)) {
    entries.push(['limit', `${file}=${text(value)}${hierarchy === '' ? '' : ` (${hierarchy})`}`])
  }
  const rules = plan.deviceRules.map((rule) => `${rule.allow ? 'allow' : 'deny'} ${formatRule(rule)}`)
  entries.push(['devices', rules.join(', ')])
  for (const name of ['uidMappings', 'gidMappings'] as const) {
    for (const { containerID, hostID, size } of plan[name] ?? [])
      entries.push([name, `${containerID} ${hostID} ${size}`])
  }
  if (plan.intelRdt !== undefined) {
    const { group, mode, schemata, monitor } = plan.intelRdt
    entries.push(['intelRdt', `${mode} ${text(group)}`])
    for (const lines of schemata) entries.push(['intelRdt', `schemata=${text(lines)}`])
    if (monitor !== undefined) entries.push(['intelRdt', `monitor ${text(monitor)}`])
  }
  for (const { name, target } of plan.netDevices) {
    entries.push(['netDevice', name === target ? text(name) : `${text(name)} as ${text(target)}`])
  }
  plan.sources.forEach((source, index) => entries.push(['source', describeSource(source, index + 1)]))
  if (plan.denySetgroups) entries.push(['setgroups', 'deny'])
  if (plan.preserveFds > 0) entries.push(['preserveFds', String(plan.preserveFds)])
  if (plan.seccompListener !== undefined) entries.push(['listener', text(plan.seccompListener.path)])
  if (plan.waits.length > 0) entries.push(['waits', plan.waits.join(' ')])
  for (const warning of plan.warnings) entries.push(['warning', escapeControls(warning)])
  const width = Math.max(...entries.map(([name]) => name.length))
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${value}`)
}

/** What the parent's helper does when init asks for it. */
function describeSource({ source, type, destination, idMap }: SourcePlan, number: number): string {
  const what = `${number}: ${text(source || type)} for ${text(destination)}`
  if (idMap === undefined) return `${what}, if init may not reach it`
  const maps = [idMap.uidMappings, idMap.gidMappings].map((list) =>
    list.map(({ containerID, hostID, size }) => `${containerID}-${hostID}-${size}`).join('#'),
  )
  const map = idMap.userNamespace === undefined ? `uids=${maps[0]};gids=${maps[1]}` : text(idMap.userNamespace)
  return `${what}, ${idMap.recursive ? 'ridmap' : 'idmap'}=${map}`
}

function describe(step: Step): PrintedStep {
  const kinds: Readonly<Record<string, FieldKind>> = stepTable[step.op]
  const values = step as unknown as Readonly<Record<string, unknown>>
  const fields = Object.entries(kinds).map(([name, kind]) => [name, describeField(kind, values[name])] as const)
  return { op: step.op, fields }
}

function describeField(kind: FieldKind, value: unknown): PrintedField {
  const [base = '', meaning] = kind.split(':')
  if (value instanceof Uint8Array) return `${value.length / instructionSize} instructions`
  if (base.startsWith('u32s') && meaning !== undefined) {
    return (value as readonly number[]).flatMap((item) => joined(nameValue(meaning, item)))
  }
  if (typeof value === 'number' || typeof value === 'bigint') return nameValue(meaning ?? '', value)
  return value as PrintedField
}

/** One entry of a list is one text, however many bits it has: `shared|recursive`. */
function joined(value: NamedValue): string {
  return Array.isArray(value) ? value.join('|') : String(value)
}

function isEmpty(value: PrintedField): boolean {
  return value === '' || value === false || (Array.isArray(value) && value.length === 0)
}

/** Of the environment only the names are shown: tables end up in bug reports, passwords should not. */
function shortText(name: string, value: PrintedField): string {
  if (value === true) return 'yes'
  if (!Array.isArray(value)) return text(String(value))
  const items = (value as readonly (string | number)[]).map(String)
  return items.map((item) => text(name === 'env' ? item.replace(/=.*/s, '') : item)).join(',')
}

/** Quoted where it would not be one clear word. */
function text(value: string): string {
  return /^[^\s"',\p{C}]+$/u.test(value) ? value : escapeControls(JSON.stringify(value))
}

/** As JSON would write them: what a terminal obeys, also where JSON lets it pass (C1 controls, direction marks). */
function escapeControls(value: string): string {
  return value.replace(/[^\P{C}\n]|[\p{Zl}\p{Zp}]/gu, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

/** docs/errors.md has every code with its class and fields. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import * as api from '#dist/index.js'

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const rows = read('docs/errors.md').split('\n')

/** Name, code and fields of each class, out of the source. */
const classes = [...read('src/errors.ts').matchAll(/^export class (\w+) extends TsrunError.*?^\}/gms)].map(
  ([body, name = '']) => ({
    name,
    code: /readonly code = '(\w+)'/.exec(body)?.[1] ?? '',
    fields: [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, field = '']) => field),
  }),
)

t.test('every class is exported, and has a row with its code and its fields', async (t) => {
  t.equal(classes.length, 13)
  for (const { name, code, fields } of classes) {
    t.ok(name in api, name)
    const row = rows.find((line) => line.startsWith(`| \`${code}\` | \`${name}\` |`)) ?? ''
    t.not(row, '', `${code} ${name}`)
    for (const field of fields) t.ok(row.includes(`\`${field}\``), `${name}.${field}`)
  }
})

t.test('every code has a class', async (t) => {
  const union = /export type ErrorCode =(.*?)\n\n/s.exec(read('src/errors.ts'))?.[1] ?? ''
  const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code = '']) => code)
  t.same(classes.map(({ code }) => code).sort(), codes.sort())
})

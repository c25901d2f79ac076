// Writes the C++ side of the plan's step table: structs, decoders, names and the dispatcher.
// usage: node scripts/generate-plan-header.mjs OUTPUT   (needs dist/plan/steps.js, that is `tsc`)
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { planVersion, stepTable } from '../dist/plan/steps.js'

const output = process.argv[2]
if (!output) throw new Error('usage: generate-plan-header.mjs OUTPUT')

const cppType = {
  u32: 'uint32_t',
  u64: 'uint64_t',
  flag: 'bool',
  text: 'Text',
  texts: 'TextList',
  u32s: 'NumberList',
  bytes: 'Bytes',
}
const readCall = {
  u32: 'number32',
  u64: 'number64',
  flag: 'flag',
  text: 'text',
  texts: 'texts',
  u32s: 'numbers',
  bytes: 'bytes',
}
const pascal = (name) => name[0].toUpperCase() + name.slice(1)
const snake = (name) => name.replace(/[A-Z]/g, (c) => '_' + c.toLowerCase())
const base = (kind) => kind.split(':')[0]
const names = Object.keys(stepTable)

const structs = names.map((name) => {
  const fields = Object.entries(stepTable[name])
  const members = fields.map(([field, kind]) => `  ${cppType[base(kind)]} ${snake(field)};`).join('\n')
  const reads = fields.map(([field, kind]) => `r.${readCall[base(kind)]}(s.${snake(field)})`).join(' && ')
  return (
    `struct ${pascal(name)} {\n${members}\n};\nFailure run(const ${pascal(name)}&, Context&) noexcept;\n` +
    `inline bool decode(Reader& r, ${pascal(name)}& s) noexcept {\n  (void)s;\n  return ${reads ? reads + ' && ' : ''}r.finished();\n}\n`
  )
})
const cases = names.map((name, i) => `    case ${i}: return decode_and_run<${pascal(name)}>(reader, context);`)

const text = `// Generated from src/plan/steps.ts by scripts/generate-plan-header.mjs. Do not edit.
#pragma once
#include "init/reader.h"
namespace tsrun {
inline constexpr uint32_t kPlanVersion = ${planVersion};
namespace step {
${structs.join('\n')}
template <class S>
Failure decode_and_run(Reader& reader, Context& context) noexcept {
  S step{};
  if (!decode(reader, step)) return hostile_plan();
  return run(step, context);
}
inline Failure dispatch(uint32_t op, Reader& reader, Context& context) noexcept {
  switch (op) {
${cases.join('\n')}
    default: return hostile_plan();
  }
}
}  // namespace step
}  // namespace tsrun
`
mkdirSync(dirname(output), { recursive: true })
let old = ''
try {
  old = readFileSync(output, 'utf8')
} catch {}
if (old !== text) writeFileSync(output, text)

#!/usr/bin/env node
/** Entry of the command line, in the executable and in Node.js. */
import { readFileIfAny } from '../native/binding.js'
import { runProgram } from './program.js'

/** Node.js has put U+FFFD for bytes that are not UTF-8: the kernel has kept them. */
function givenArguments(): string[] {
  const given = process.argv.slice(2)
  if (!given.some((text) => text.includes('\ufffd'))) return given
  const all = readFileIfAny('/proc/self/cmdline')?.split('\0').slice(0, -1) ?? given
  return all.slice(all.length - given.length)
}

// Not by process.exitCode: nothing that a command leaves open may delay its end.
void runProgram(givenArguments()).then((status) => process.exit(status))

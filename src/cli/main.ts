#!/usr/bin/env node
/** Entry of the command line, in Node, in Bun, and in the executable that Bun compiles. */
import { runProgram } from './program.js'

// Not by process.exitCode: nothing that a command leaves open may delay its end.
void runProgram(process.argv.slice(2)).then((status) => process.exit(status))

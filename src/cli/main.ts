#!/usr/bin/env node
/** Entry of the command line, in the executable and in Node.js. */
import { runProgram } from './program.js'

// Not by process.exitCode: nothing that a command leaves open may delay its end.
void runProgram(process.argv.slice(2)).then((status) => process.exit(status))

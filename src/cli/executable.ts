/**
 * Entry of the command line in the executable. All modules are evaluated when that is built (docs/engine.md): none
 * may look at the host when it is loaded.
 */
import { exampleConfig, parseConfig } from '../core.js'
import { loadAddon } from '../native/binding.js'
import { runProgram } from './program.js'

/** Called in the build. What it does once need not be done by each command: the addon's functions, the shapes of a config. */
export async function prepare(): Promise<void> {
  loadAddon()
  await parseConfig(exampleConfig())
}

/** Begins the command that the arguments name. It ends by itself, by process.exit. */
export function start(): void {
  void runProgram(process.argv.slice(2)).then((status) => process.exit(status))
}

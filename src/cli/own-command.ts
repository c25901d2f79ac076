/** Command line: how tsrun is called by programs that it asks to call it. */
import { ownProgram, realPath } from '../native/binding.js'

/** Absolute path of the program, and what is in front of the command, from argv[0] on. */
export function ownCommand(): { readonly path: string; readonly args: readonly string[] } {
  // The executable is its own engine; elsewhere the script is what was started.
  if (process.execPath === '') {
    const path = ownProgram()
    return { path, args: [path] }
  }
  return { path: process.execPath, args: [process.execPath, realPath(process.argv[1] ?? '')] }
}

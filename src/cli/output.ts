/** Command line: what reaches the two standard streams. Not process.stdout, which the executable has not. */
import { writeOut } from '../native/binding.js'

/** Prints to stdout. @throws SyscallError */
export const printOut = (text: string): void => writeOut(1, text)

/** Prints to stderr; never fails, since it is the last means to say something. */
export function printError(text: string): void {
  try {
    writeOut(2, text)
  } catch {
    // Without the addon, which may be what there is to complain about. console.error adds the newline.
    console.error(text.replace(/\n$/, ''))
  }
}

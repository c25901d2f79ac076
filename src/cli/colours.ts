/** Command line: colours, on a terminal alone and unless NO_COLOR is set (no-color.org). */
import { terminalSize } from '../native/binding.js'

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36, reverse: 7 } as const

/** How a text can be set off. */
export type Colour = keyof typeof codes

const wanted = (): boolean => (process.env.NO_COLOR ?? '') === '' && terminalSize(1) !== undefined

/** The text in a colour, or plain where nobody would see it. */
export const paint = (colour: Colour, text: string): string =>
  wanted() ? `\x1b[${codes[colour]}m${text}\x1b[0m` : text

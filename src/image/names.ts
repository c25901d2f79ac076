/** Images: names for places that one process has for itself. */
import { processIds } from '../native/binding.js'

let count = 0

/** Different for each call and for each process that lives. */
export const uniqueName = (): string => `${processIds().pid}-${++count}`

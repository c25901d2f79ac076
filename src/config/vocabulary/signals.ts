/** Stage 1, config: the numbers of the signals that tsrun sends by itself (signal(7), every architecture). */

/** Ends a process that has no say in it. */
export const sigkill = 9

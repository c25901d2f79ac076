/** Test support: a program that goes on until it is told to end, and how to know that it is ready for that. */

/** Shell script of two processes: TERM ends it with status 5. */
export const steady = 'trap "exit 5" TERM; sleep 1000 & touch /tmp/steady; wait'

/** Shell script for a further process of the container: it ends as soon as the other one is ready. */
export const untilSteady = 'until [ -e /tmp/steady ]; do :; done'

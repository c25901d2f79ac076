/** Native: the terminal of a program that fills it, and files that are read again and again. */
import { native } from './addon.js'

/** Columns and rows of a terminal; undefined for a descriptor that is none. */
export const terminalSize = (fd: number): { columns: number; rows: number } | undefined => native().terminalSize(fd)

/** Has keys arrive at once and without an echo; false gives back what was there. @throws SyscallError */
export const setKeyMode = (fd: number, on: boolean): void => native().setKeyMode(fd, on)

/** A descriptor that is readable when one of these signals has come, which do nothing else any more. @throws SyscallError */
export const openSignals = (numbers: readonly number[]): number => native().openSignals([...numbers])

/** The next signal that has come; undefined: none. */
export const nextSignal = (fd: number): number | undefined => native().nextSignal(fd)

/** Stops this process, as the suspend key does, until it is continued. */
export const suspend = (): void => native().suspend()

/** The keys that were pressed; '' at the end of the input. Waits for the first. */
export const readKeys = (fd: number): string => native().readKeys(fd)

/** The first 16 KiB of each open file as it is now; '' of what has gone. */
export const readAgain = (fds: readonly number[]): string[] => native().readAgain([...fds])

/** Lets this process open as many files as it may at all, and says how many that are. */
export const raiseOpenFiles = (): number => native().raiseOpenFiles()

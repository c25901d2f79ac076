/** Stage 4, launch: what must be undone when a create fails half-way, in reverse order. */
import { isTsrunError } from '../errors.js'

/** A list of undo functions. A failing one is kept in the error's `suppressed`, never in its place. */
export class Rollback {
  readonly #undos: (() => void | Promise<void>)[] = []

  /** Registers what undoes the step just done. */
  add(undo: () => void | Promise<void>): void {
    this.#undos.push(undo)
  }

  /** Undoes everything, the last step first; what fails is added to `error.suppressed`. */
  async run(error: unknown): Promise<void> {
    for (const undo of this.#undos.reverse()) {
      try {
        await undo()
      } catch (failure) {
        if (isTsrunError(error)) error.suppressed.push(failure as Error)
      }
    }
  }
}

/** Config: what has been made of texts, for a program that comes with the same one again and again. */

/** So many texts, once anything is kept, of so many characters at most. */
const limits = { texts: 16, length: 1 << 18 }

let isKeeping = false

/** From now on texts are kept. A command has one config, and would only have the work of it. */
export function keepTexts(): void {
  isKeeping = true
}

/** What was made of the last texts, by text. It is given to everybody who asks, so nobody may change it. */
export class Kept<T extends object> {
  readonly #made = new Map<string, T>()

  /** What was made of a text; undefined when that is too long ago, or nothing was. */
  get(text: string): T | undefined {
    return isKeeping ? this.#made.get(text) : undefined
  }

  /** Keeps what was made of a text, in the place of the oldest. */
  keep(text: string, made: T): T {
    if (!isKeeping || text.length > limits.length) return made
    const [oldest = ''] = this.#made.keys()
    if (this.#made.size >= limits.texts) this.#made.delete(oldest)
    this.#made.set(text, made)
    return made
  }
}

/** Test helper: a program at a terminal that somebody types into and looks at (tmux). */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { awaitProcess } from './peer.js'
import type { Scope } from './scope.js'

/** Only turns a hang into a failure. */
const limit = 20_000

/** A terminal of 100 columns and 30 rows with one program in it. */
export class TerminalSession {
  readonly #socket: string

  /** Runs a command of the shell; ends with the scope. */
  constructor(scope: Scope, command: string) {
    this.#socket = join(scope.folder, 'tmux')
    this.#tmux('-f', '/dev/null', 'new-session', '-d', '-x', '100', '-y', '30', command)
    const server = Number(this.#tmux('display-message', '-p', '#{pid}'))
    scope.defer(() => {
      this.#tmux('kill-server')
      awaitProcess(server)
    })
  }

  #tmux(...args: string[]): string {
    // The test runner's own NO_COLOR is not meant for what runs here.
    const env = { ...process.env, NO_COLOR: '', LC_ALL: 'C.UTF-8', TERM: 'xterm-256color' }
    return spawnSync('tmux', ['-u', '-S', this.#socket, ...args], { encoding: 'utf8', env }).stdout
  }

  /** Presses keys, by their names in tmux(1): `Tab`, `C-c`, or a text. */
  press(...keys: string[]): void {
    this.#tmux('send-keys', ...keys)
  }

  /** Gives the terminal another size. */
  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows))
  }

  /** What is on the screen. */
  get screen(): string {
    return this.#tmux('capture-pane', '-p')
  }

  /** The same with its escape sequences for colours. */
  get colours(): string {
    return this.#tmux('capture-pane', '-p', '-e')
  }

  /** Waits until the screen looks like this. @throws with what it shows instead */
  async shows(pattern: RegExp): Promise<string> {
    const end = Date.now() + limit
    while (Date.now() < end) {
      const { screen } = this
      if (pattern.test(screen)) return screen
      await delay(20)
    }
    throw new Error(`the terminal does not show ${String(pattern)} but\n${this.screen}`)
  }
}

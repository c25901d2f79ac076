/** Test support: a real terminal (tmux) in which an engine's command runs, and what is on its screen. */
import { spawn } from 'node:child_process'
import { Sandbox, type Result } from './sandbox.js'

/**
 * The prompt of busybox's shell, which then asks where the cursor is: the answer must not come after what
 * is typed, or it becomes input of the command.
 */
export const prompt = /\/ # \x1b\[6n/

/** A terminal of 100 columns and 30 lines with one command in it. */
export class Terminal {
  readonly #sandbox: Sandbox
  readonly #socket: string
  #output = ''
  #wake: () => void = () => undefined

  private constructor(sandbox: Sandbox, socket: string) {
    this.#sandbox = sandbox
    this.#socket = socket
  }

  /** Starts a shell command in a new terminal; `$?` of it is on the screen as `ended with N` when it has ended. */
  static async open(sandbox: Sandbox, command: string, env: Readonly<Record<string, string>>): Promise<Terminal> {
    const terminal = new Terminal(sandbox, sandbox.file('tmux.sock'))
    const pipe = sandbox.file('screen')
    await sandbox.run('rm', ['-f', pipe])
    await sandbox.run('mkfifo', [pipe])
    const reader = spawn('cat', [pipe], { stdio: ['ignore', 'pipe', 'ignore'] })
    reader.stdout.setEncoding('utf8').on('data', (text: string) => {
      terminal.#output += text
      terminal.#wake()
    })
    // The first command waits until its output is followed; the last one keeps the screen.
    const line = `read go; ${command}; echo "ended with $?"; read end`
    const { status, stderr } = await terminal.#tmux(['new-session', '-d', '-x', '100', '-y', '30', line], env)
    if (status !== 0) throw new Error(`tmux: ${stderr}`)
    await terminal.#tmux(['pipe-pane', '-o', `cat > ${pipe}`])
    await terminal.type('')
    return terminal
  }

  /** Types a line. */
  async type(line: string): Promise<void> {
    await this.#tmux(['send-keys', ...(line === '' ? [] : [line]), 'Enter'])
  }

  /** Presses a key that tmux(1) knows by name, such as `C-c`. */
  async press(key: string): Promise<void> {
    await this.#tmux(['send-keys', key])
  }

  /** Changes the size. */
  async resize(columns: number, lines: number): Promise<void> {
    await this.#tmux(['resize-window', '-x', `${columns}`, '-y', `${lines}`])
  }

  /** Waits until the output since the last call has the pattern. */
  async shows(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#output)
      if (found) {
        this.#output = this.#output.slice(found.index + found[0].length)
        return found
      }
      await this.#more(pattern)
    }
  }

  /** What is on the screen. */
  async screen(): Promise<string> {
    return (await this.#tmux(['capture-pane', '-p'])).stdout.trimEnd()
  }

  /** Ends the terminal and what runs in it. */
  async close(): Promise<void> {
    await this.#tmux(['kill-server'])
  }

  async #more(pattern: RegExp): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const late = (): void => reject(new Error(`the terminal never shows ${pattern.source}:\n${this.#output}`))
      // Only turns a hang into a failure.
      const timer = setTimeout(late, 120_000)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #tmux(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Result> {
    return this.#sandbox.run('tmux', ['-S', this.#socket, '-f', '/dev/null', ...args], { env })
  }
}

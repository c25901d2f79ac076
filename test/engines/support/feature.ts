/** Test support: features of engines as tests; each outcome goes into the table of docs/engines. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { requires, runtimeName, type Need } from '../../helpers/requires.js'
import { projectRoot } from '../../helpers/tools.js'

/** An engine that can run its containers by the runtime under test or by runc. */
export interface Engine {
  /** Changes the runtime of the containers from now on. */
  use(runtime: 'tested' | 'runc'): Promise<void>
  /** Removes all containers, after each feature. */
  clear(): Promise<void>
  /** Ends the engine and returns what was left behind. */
  close(): Promise<string[]>
}

/** What came of a feature; `reason` is why it does not work. */
export interface Outcome {
  readonly feature: string
  readonly reason?: string
}

/** A feature of an engine: throws when it does not work. */
type Body<E> = (engine: E) => Promise<void>

/** What is special about a feature. */
interface FeatureOptions {
  /** What runc's failure says on a host that cannot have this feature; skipped there only when runc fails so. */
  readonly hostLimit?: RegExp
}

/** Folder of the outcomes, one folder per runtime and one file per engine; apart for newer engines than the host's. */
const outcomesFolder = join(projectRoot, process.env.ENGINES_ROOT ? 'build/engines-new' : 'build/engines')

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The features of an engine that one test file is about. Each is a test. */
export class Features<E extends Engine> {
  readonly #name: string
  readonly #needs: readonly Need[]
  readonly #outcomes: Outcome[] = []
  #engine: E | undefined

  /** Starts the engine, as a test of its own. `needs`: what all features need besides root. */
  constructor(name: string, start: () => Promise<E>, needs: readonly Need[] = []) {
    this.#name = name
    this.#needs = needs
    t.jobs = 1
    t.teardown(() => this.#engine?.close())
    this.#test('starts', async (t) => {
      this.#engine = await start()
      return t.pass('is ready')
    })
  }

  /** Adds a feature; its title is what users call it. */
  add(title: string, body: Body<E>, { hostLimit }: FeatureOptions = {}): void {
    this.#test(title, async (t) => {
      const engine = this.#started()
      const reason = await failure(engine, body)
      this.#outcomes.push(reason === undefined ? { feature: title } : { feature: title, reason })
      if (reason === undefined) return t.pass('works')
      const limit = hostLimit && hostLimit.exec((await this.#withRunc(engine, body)) ?? '')?.[0]
      if (limit === undefined) throw new Error(reason)
      return t.pass('works', { skip: `with runc neither: ${limit}` })
    })
  }

  /** Ends the engine and looks for what it has left; call it after the last feature. */
  end(): void {
    this.#test('leaves nothing behind', async (t) => {
      const engine = this.#started()
      this.#engine = undefined
      return t.same(await engine.close(), [])
    })
    t.test(`${this.#name}: outcomes`, { skip: requires('root', ...this.#needs) }, async (t) => {
      const folder = join(outcomesFolder, runtimeName())
      mkdirSync(folder, { recursive: true })
      const file = join(folder, `${this.#name.toLowerCase().replaceAll(/\W+/g, '-')}.json`)
      writeFileSync(file, JSON.stringify({ engine: this.#name, outcomes: this.#outcomes }, undefined, 2))
      t.pass('are recorded')
    })
  }

  #test(title: string, body: (t: Test) => Promise<boolean>): void {
    t.test(`${this.#name}: ${title}`, { skip: requires('root', ...this.#needs) }, async (t) => {
      await body(t)
    })
  }

  #started(): E {
    if (this.#engine === undefined) throw new Error('the engine has not started')
    return this.#engine
  }

  async #withRunc(engine: E, body: Body<E>): Promise<string | undefined> {
    await engine.use('runc')
    try {
      return await failure(engine, body)
    } finally {
      await engine.use('tested')
    }
  }
}

/** Why a feature does not work; undefined when it does. Its containers are removed in any case. */
async function failure<E extends Engine>(engine: E, body: Body<E>): Promise<string | undefined> {
  let reason: string | undefined
  try {
    await body(engine)
  } catch (error) {
    reason = message(error)
  }
  try {
    await engine.clear()
  } catch (error) {
    reason ??= `its containers cannot be removed: ${message(error)}`
  }
  return reason
}

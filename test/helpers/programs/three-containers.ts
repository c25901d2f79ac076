/** A plain Node.js program that uses the library: three containers at once. usage: ROOT ID BUNDLE ID BUNDLE … */
import { readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Runtime, type ContainerExit } from 'tsrun'

/** What the program has seen; printed as JSON. */
export interface Findings {
  readonly statuses: readonly string[]
  readonly exits: readonly ContainerExit[]
  /** Turns of the event loop while all containers ran and were waited for. */
  readonly turns: number
  /** Containers that were known to have ended before any of them was told to. */
  readonly endedEarly: number
  /** Threads of this process: with one container waited for, and with three. */
  readonly threads: readonly [one: number, three: number]
  readonly left: readonly string[]
}

const [root = '', ...rest] = process.argv.slice(2)
const bundles = rest.flatMap((id, index) => (index % 2 === 0 ? [{ id, bundle: rest[index + 1] ?? '' }] : []))
const runtime = new Runtime({ root })

const threads = (): number => readdirSync('/proc/self/task').length
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

// Node.js starts its pool of threads with the first asynchronous file operation.
await writeFile('/dev/null', '')

const containers = await Promise.all(bundles.map(({ id, bundle }) => runtime.create(id, { bundle })))
const statuses = await Promise.all(containers.map(async (container) => (await container.state()).status))
await Promise.all(containers.map((container) => container.start()))

let ended = 0
const first = containers[0]?.wait().then((exit) => (ended++, exit))
await turn()
const withOne = threads()
const others = containers.slice(1).map((container) => container.wait().then((exit) => (ended++, exit)))

// Were the waiting a blocking call, this would never be reached.
let turns = 0
while (turns < 1000) {
  await turn()
  turns++
}
const withThree = threads()
const endedEarly = ended

// Each container waits for a line before it ends.
await Promise.all(bundles.map(({ bundle }) => writeFile(join(bundle, 'rootfs/go'), '\n')))
const exits = (await Promise.all([first, ...others])).filter((exit) => exit !== undefined)
await Promise.all(containers.map((container) => container.delete()))

const findings: Findings = {
  statuses,
  exits,
  turns,
  endedEarly,
  threads: [withOne, withThree],
  left: readdirSync(root),
}
console.log(JSON.stringify(findings))

/** Test helper: attacks, what they aim at on the host, and whether that is as it was. */
import { spawn } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Container } from './container.js'
import { parseMountInfo, type MountInfo } from './probe.js'
import { ended, Lines } from './runtime.js'
import type { Scope } from './scope.js'
import { test, type TestOptions } from './test.js'
import { tool } from './tools.js'

/** Files of procfs that are the whole host's, and that attacks have aimed at. */
const settings = ['core_pattern', 'modprobe', 'sysrq', 'printk']
  .map((name) => `/proc/sys/kernel/${name}`)
  .filter(existsSync)

/** Every file below a directory with its type, mode, owner, link target and text. */
export function snapshot(path: string): string[] {
  const info = lstatSync(path)
  const line = [path, info.mode.toString(8), info.uid, info.gid, info.ino].join(' ')
  if (info.isSymbolicLink()) return [`${line} -> ${readlinkSync(path)}`]
  if (info.isFile()) return [`${line} ${readFileSync(path, 'utf8')}`]
  if (!info.isDirectory()) return [line]
  return [line, ...readdirSync(path).flatMap((name) => snapshot(join(path, name)))]
}

/** What must not change. */
export class Host {
  /** A directory of the host, outside of every bundle, with names that runtimes have made or removed. */
  readonly canary: string
  readonly #before: readonly string[]

  constructor(scope: Scope) {
    this.canary = scope.path('canary')
    mkdirSync(join(this.canary, 'pts'), { recursive: true })
    for (const name of ['ptmx', 'console', 'null', 'file']) writeFileSync(join(this.canary, name), `canary ${name}`)
    this.#before = this.#now()
  }

  /** Asserts that canary and settings are as they were. */
  check(t: Test): void {
    t.same(this.#now(), this.#before, 'the host is as it was')
  }

  #now(): string[] {
    const values = settings.map((path) => `${path}: ${readFileSync(path, 'utf8')}`)
    return [...values, ...snapshot(this.canary)]
  }
}

/** A test of an attack: besides nothing being left, the host must be as it was. */
export function attackTest(
  title: string,
  body: (t: Test, scope: Scope, host: Host) => void | Promise<void>,
  options?: TestOptions,
): void {
  const guarded = async (t: Test, scope: Scope): Promise<void> => {
    const host = new Host(scope)
    await body(t, scope, host)
    host.check(t)
  }
  test(title, guarded, options)
}

/** Asserts that `create` fails with words on stderr, and that nothing is left of it. */
export function refuses(
  t: Test,
  scope: Scope,
  container: Container,
  words: RegExp,
  args: readonly string[] = [],
): void {
  const result = container.create(args)
  t.match(result, { status: 1, signal: null, stderr: words })
  t.same(scope.leftovers(), [])
}

/** Exchanges two files over and over until `stop`. */
export async function swapping(scope: Scope, one: string, other: string): Promise<{ stop(): Promise<unknown> }> {
  const child = spawn(tool('attack'), ['swap', one, other], { stdio: ['ignore', 'pipe', 'inherit'] })
  const stop = (): Promise<unknown> => {
    child.kill('SIGKILL')
    return ended(child)
  }
  scope.defer(() => void stop())
  if ((await new Lines(child.stdout).next()) !== 'ready') throw new Error('attack swap does not run')
  return { stop }
}

/** A container that is created over and over while something that its create meets is exchanged. */
export interface Race {
  /** How often, where `ROUNDS` (of the soak lane) says nothing. */
  readonly usual: number
  /** Options of `create`. */
  readonly args?: readonly string[]
  /** Before each create. */
  readonly prepare?: (round: number) => void
  /** Looks at each container that could be created: what it returns is wrong. */
  readonly look: (pid: number) => readonly string[]
}

/** Runs a race and asserts that nothing was wrong; it goes on until one create at least has come through. */
export async function raceCreates(t: Test, container: Container, { usual, args, prepare, look }: Race): Promise<void> {
  const rounds = Number(process.env.ROUNDS ?? usual)
  const wrong: string[] = []
  let created = 0
  let round = 0
  for (; round < rounds || (created === 0 && round < 500); round++) {
    prepare?.(round)
    if (container.create(args).status === 0) {
      created++
      wrong.push(...look(container.state().pid).map((one) => `round ${round}: ${one}`))
    }
    container.remove()
    // Whoever serves a socket in this process gets its turn.
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.comment(`${round} rounds, ${created} created`)
  t.same(wrong, [])
  t.ok(created > 0, 'some of them come through')
}

/** Puts the attacker's program into a container's root file system as /attack. */
export function armWithAttack(container: Container): void {
  copyFileSync(tool('attack'), join(container.bundle.rootfs, 'attack'))
}

/** Mounts of a created or running container. */
export const mountsOf = (pid: number): MountInfo[] =>
  readFileSync(`/proc/${pid}/mountinfo`, 'utf8').trim().split('\n').map(parseMountInfo)

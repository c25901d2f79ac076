/** Many workers at once, each with a model of what its containers must be like; nothing of them is left at the end. */
import { spawn } from 'node:child_process'
import type { Scope } from '../helpers/scope.js'
import { sleeper } from '../helpers/exec.js'
import { randomFrom } from '../helpers/fuzz.js'
import { testWith } from '../helpers/test.js'

const test = testWith('tsrun')
const workers = Number(process.env.WORKERS ?? 64)
const minutes = Number(process.env.MINUTES ?? 10)

type Status = 'absent' | 'created' | 'running' | 'paused' | 'stopped'

/** What a command makes of a container in a status; undefined: it must fail and change nothing. */
const transitions: Readonly<Record<string, (status: Status) => Status | undefined>> = {
  create: (status) => (status === 'absent' ? 'created' : undefined),
  start: (status) => (status === 'created' ? 'running' : undefined),
  kill: (status) => (['created', 'running', 'paused'].includes(status) ? 'stopped' : undefined),
  pause: (status) => (status === 'running' ? 'paused' : undefined),
  resume: (status) => (status === 'paused' ? 'running' : undefined),
  exec: (status) => (status === 'running' || status === 'created' ? status : undefined),
  'delete --force': () => 'absent',
}

interface Ended {
  readonly status: number | null
  readonly stderr: string
  readonly stdout: string
}

function run(scope: Scope, args: readonly string[]): Promise<Ended> {
  const [program, ...rest] = scope.runner.commandLine(args)
  return new Promise((resolve) => {
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000, killSignal: 'SIGKILL' })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (text) => (stdout += String(text)))
    child.stderr.on('data', (text) => (stderr += String(text)))
    const done = (status: number | null): void => resolve({ status, stdout, stderr })
    // A container holds the pipes of what has made it; of the others all that was written is to be read.
    if (['create', 'start'].includes(args[0] ?? '')) child.on('exit', done)
    else child.on('close', done)
  })
}

const argumentsOf = (command: string, id: string, bundle: string): string[] => {
  switch (command) {
    case 'create':
      // The program must not hold the pipes of the command.
      return ['create', '--bundle', bundle, id]
    case 'kill':
      return ['kill', id, 'KILL']
    case 'exec':
      return ['exec', id, '/bin/true']
    default:
      return [...command.split(' '), id]
  }
}

/** One worker with one container. @returns how many commands it has run */
async function work(scope: Scope, number: number, until: number, wrong: string[]): Promise<number> {
  const random = randomFrom(number)
  const { id, bundle } = scope.container(sleeper)
  let status: Status = 'absent'
  let count = 0
  while (Date.now() < until) {
    const command = Object.keys(transitions)[random(Object.keys(transitions).length)] ?? ''
    // It can be paused, but is then neither created nor running.
    if (command === 'pause' && status === 'created') continue
    const expected: Status | undefined = transitions[command]?.(status)
    const ended = await run(scope, argumentsOf(command, id, bundle.path))
    count++
    // What was killed ends a moment later.
    const isRight = expected === undefined ? ended.status !== 0 && ended.status !== null : ended.status === 0
    if (!isRight || /internal error/.test(ended.stderr))
      wrong.push(`${command} of a ${status} container: status ${ended.status}: ${ended.stderr}`)
    status = expected ?? status
    if (status === 'absent') continue
    const state = await run(scope, ['state', id])
    const seen = (JSON.parse(state.stdout === '' ? '{}' : state.stdout) as { status?: string }).status
    if (seen !== status && !(status === 'stopped' && seen === 'running'))
      wrong.push(`after ${command} it is ${seen}, not ${status}: ${state.stderr}`)
  }
  await run(scope, ['delete', '--force', id])
  return count
}

test(`${workers} workers for ${minutes} minutes: each container is what its commands have made of it`, async (t, scope) => {
  const wrong: string[] = []
  const until = Date.now() + minutes * 60_000
  const counts = await Promise.all(Array.from({ length: workers }, (_, number) => work(scope, number, until, wrong)))
  t.comment(`${counts.reduce((sum, one) => sum + one)} commands`)
  t.same(wrong, [])
})

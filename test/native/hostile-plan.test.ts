/**
 * tsrun-init reads plans that only tsrun writes; all the same no plan may make it hang or crash. Broken plans
 * are launched from a child that has namespaces of its own, since the steps that still decode are carried out.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { closeFile, errnoName, type Frame, launch, reapProcess, receive, waitReadable } from '#dist/native/binding.js'
import { encodePlan, headerLength, headerOffset } from '#dist/plan/encode.js'
import { stepTable, type Step } from '#dist/plan/steps.js'

const self = fileURLToPath(import.meta.url)
const child = process.argv[2] === 'child'

/** Steps whose execution harms nobody: no path that exists, no root to look anything up in. */
const nowhere = '/nonexistent/tsrun'
const values: Readonly<Record<string, unknown>> = {
  flag: false,
  u32: 0,
  u64: 0,
  text: nowhere,
  bytes: new Uint8Array(16),
}

function valueOf(kind: string): unknown {
  const base = kind.split(/[:=]/)[0] ?? kind
  if (base === 'texts') return ['one', 'two', nowhere]
  return base === 'u32s' ? [1, 2, 3] : values[base]
}

const steps = Object.entries(stepTable).map(
  ([op, fields]) =>
    ({
      op,
      ...Object.fromEntries(Object.entries(fields).map(([name, kind]) => [name, valueOf(kind)])),
    }) as unknown as Step,
)

const planOf = (list: readonly Step[]): Uint8Array =>
  encodePlan({ steps: list, preserveFds: 0 } as unknown as Parameters<typeof encodePlan>[0])

const words = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** A copy with its length in the header set right, so that the body is what is wrong. */
function cut(plan: Uint8Array, length: number): Uint8Array {
  const copy = plan.slice(0, length)
  if (length >= headerLength) words(copy).setUint32(headerOffset('totalLength'), length, true)
  return copy
}

function changed(plan: Uint8Array, at: number, value: number): Uint8Array {
  const copy = plan.slice()
  words(copy).setUint32(at, value >>> 0, true)
  return copy
}

/** The same numbers in every run (xorshift32). */
function* numbers(seed: number): Generator<number, never> {
  for (let x = seed; ;) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    yield x >>> 0
  }
}

function* hostilePlans(): Generator<[string, Uint8Array]> {
  const benign: Step[] = [
    { op: 'umask', mode: 0o22 },
    { op: 'newSession' },
    { op: 'personality', domain: 0 },
    { op: 'hostname', name: 'hostile' },
  ]
  const plan = planOf(benign)
  for (let length = 0; length <= plan.length; length += 4) yield [`cut to ${length}`, cut(plan, length)]
  for (const length of [headerLength + 1, headerLength + 6, plan.length - 1])
    yield [`cut to ${length}`, cut(plan, length)]
  for (let at = 0; at < headerLength; at += 4) {
    if (at === headerOffset('syncFd') || at === headerOffset('startFd')) continue // the addon writes these two
    for (const value of [0, 1, 0x7fffffff, 0xffffffff]) yield [`header ${at} is ${value}`, changed(plan, at, value)]
  }
  // Every step, each of its lengths and counts wrong.
  for (const step of steps) {
    const one = planOf([step])
    yield [`${step.op} alone`, one]
    for (let at = headerLength; at < one.length; at += 4) {
      for (const value of [0xffffffff, 0x7fffffff, 0x80000000, one.length])
        yield [`${step.op} at ${at}`, changed(one, at, value)]
    }
    yield [`${step.op} cut`, cut(one, one.length - 4)]
  }
  const random = numbers(20260101)
  for (let round = 0; round < 300; round++) {
    const at = headerLength + 4 * (random.next().value % ((plan.length - headerLength) / 4))
    yield [`random ${round}`, changed(plan, at, random.next().value)]
  }
}

interface Answer {
  /** `frame`, `exit N`, or what must not be: `signal N`, `hangs`. */
  readonly outcome: string
  readonly frame?: Frame | null | undefined
}

function answerTo(plan: Uint8Array): Answer {
  const request = { plan, cloneFlags: 0, cgroupFd: -1, startFd: -1, stdio: [0, 1, 2], preserveFds: 0 } as const
  const { pidfd, sync } = launch({ ...request, targetFd: -1, cpus: '' })
  try {
    // Whoever waits for an answer gets the end of the socket.
    const frame = waitReadable(sync, 10_000) ? receive(sync, { wait: false }) : undefined
    closeFile(sync)
    if (!waitReadable(pidfd, 10_000)) return { outcome: 'hangs' }
    const exit = reapProcess(pidfd)
    if (exit === null || exit === undefined) return { outcome: 'unknown' }
    if ('signal' in exit) return { outcome: `signal ${exit.signal}` }
    if (frame?.fd !== undefined && frame.fd >= 0) closeFile(frame.fd)
    return { outcome: frame ? 'frame' : `exit ${exit.code}`, frame }
  } finally {
    closeFile(pidfd)
  }
}

function runAll(): void {
  const counts: Record<string, number> = {}
  const wrong: string[] = []
  for (const [name, plan] of hostilePlans()) {
    let result: string
    try {
      result = answerTo(plan).outcome
    } catch (error) {
      result = `refused: ${(error as { syscall?: string }).syscall}`
    }
    counts[result] = (counts[result] ?? 0) + 1
    // SIGXCPU: the step's RLIMIT_CPU of 0 seconds is over at the kernel's next tick.
    if (name.startsWith('rlimit ') && result === 'signal 24') continue
    if (!/^(frame|exit (0|1|125)|refused: (launch|memfd_create))$/.test(result)) wrong.push(`${name}: ${result}`)
  }
  console.log(JSON.stringify({ counts, wrong }))
}

if (child) {
  runAll()
} else {
  const namespaces = ['--mount', '--pid', '--fork', '--ipc', '--uts', '--net', '--cgroup', '--propagation', 'private']
  const isRoot = process.getuid?.() === 0
  t.test(
    'a plan that is cut or changed never makes init hang or crash',
    { skip: isRoot ? false : 'needs root' },
    (t) => {
      const args = [...namespaces, '--', process.execPath, self, 'child']
      const { status, stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' })
      t.equal(status, 0, stderr)
      const { counts, wrong } = JSON.parse(stdout) as { counts: Record<string, number>; wrong: string[] }
      t.same(wrong, [])
      t.ok((counts.frame ?? 0) > 500, JSON.stringify(counts))
      t.end()
    },
  )

  /** How init refuses a plan of this one step: `ERRNO syscall`. */
  const refusal = (step: Step): string => {
    const { outcome, frame } = answerTo(planOf([step]))
    return frame ? `${errnoName(frame.errno)} ${frame.syscall}` : outcome
  }
  const cloneNewNet = 0x40000000

  t.test('lists of a step that belong together must be equally long', (t) => {
    const join = (paths: string[], types: number[]): Step => ({ op: 'joinNamespaces', paths, types })
    const hostile = 'EBADMSG plan'
    t.not(refusal(join([nowhere], [cloneNewNet])), hostile, 'one path with one type decodes')
    t.equal(refusal(join([nowhere], [])), hostile, 'a path without a type')
    t.equal(refusal(join([nowhere], [cloneNewNet, cloneNewNet])), hostile, 'a type without a path')
    const mountCgroup = steps.find((step) => step.op === 'mountCgroup')
    for (const names of [[], ['one'], ['one', 'two', 'three', 'four']])
      t.equal(refusal({ ...mountCgroup, names } as Step), hostile, `${names.length} names of 3 paths`)
    t.end()
  })

  t.test('the plan of another build is refused before any of it is looked at', (t) => {
    const plan = planOf([{ op: 'joinNamespaces', paths: [nowhere], types: [cloneNewNet] }])
    t.equal(answerTo(plan).outcome, 'frame', 'our own is carried out')
    const at = headerOffset('wireHash')
    t.equal(answerTo(changed(plan, at, words(plan).getUint32(at, true) ^ 1)).outcome, 'exit 125')
    t.end()
  })
}

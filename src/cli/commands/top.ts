/** `tsrun top`. */
import { type Gauge, parseDuration, UsageError } from '../../core.js'
import { raiseOpenFiles, terminalSize } from '../../native/binding.js'
import { type CommandContext, defineCommand } from '../command.js'
import type { Look, Row } from '../top/table.js'
import type { Watch } from '../top/watch.js'

const gauges: ReadonlySet<Gauge> = new Set<Gauge>([
  ...(['cpu', 'memory', 'limit', 'pids', 'io', 'oom', 'cpuPressure', 'memoryPressure'] as const),
])

/** Shows what containers use, anew every interval. */
export const command = defineCommand({
  name: 'top',
  description:
    'Shows what the running containers below the root use, anew every interval: CPU, memory with its limit, processes, ' +
    'input and output, pressure, OOM kills. Keys sort (c m p i o n), turn round (r), filter (/) and quit (q).',
  options: [
    {
      name: 'interval',
      kind: 'string',
      value: 'DURATION',
      default: '2s',
      description: 'time between two refreshes, for example 500ms',
    },
    { name: 'json', kind: 'boolean', description: 'print a line of JSON per container and refresh' },
    { name: 'once', kind: 'boolean', description: 'end after one refresh' },
  ],
  arguments: [],
  async run({ options: { interval, json, once }, context }) {
    const milliseconds = parseDuration('interval', interval)
    if (!(milliseconds > 0)) throw new UsageError('duration interval must be greater than 0')
    raiseOpenFiles()
    const [{ Watch }, { Screen }] = await Promise.all([import('../top/watch.js'), import('../top/screen.js')])
    const interactive = !json && !once && terminalSize(0) !== undefined && terminalSize(1) !== undefined
    const watch = new Watch(context.runtime())
    const screen = new Screen(milliseconds, interactive)
    try {
      if (interactive) return await interact(watch, screen)
      for (let round = 0; ; round++) {
        await watch.find()
        watch.read(gauges)
        // Rates need two looks.
        if (round > 0) await print(watch.rows(), json, context)
        if (once && round > 0) return 0
        const { kind, ...rest } = nextRound(screen)
        if (kind === 'end') return 'status' in rest ? rest.status : 0
      }
    } finally {
      screen.close()
      watch.close()
    }
  },
})

type Screen = import('../top/screen.js').Screen

function nextRound(screen: Screen): ReturnType<Screen['next']> {
  for (;;) {
    const happening = screen.next()
    if (happening.kind !== 'resize') return happening
  }
}

async function print(rows: readonly Row[], json: boolean, context: CommandContext): Promise<void> {
  const { arrange, draw } = await import('../top/table.js')
  const look: Look = { sort: json ? 'id' : 'cpu', reverse: false, filter: '', typing: false }
  const sorted = arrange(rows, look)
  if (!json) {
    const lines = draw(sorted, rows.length, look, { columns: 100, rows: rows.length + 3 })
    context.print(`${lines.slice(1, -1).join('\n')}\n`)
    return
  }
  const time = new Date().toISOString()
  for (const { id, now, cpu, io } of sorted) {
    const limit = now.limit === Infinity ? null : now.limit
    const { cpu: _, io: __, ...rest } = now
    context.print(`${JSON.stringify({ time, id, ...rest, limit, cpuPercent: cpu, ioBytesPerSecond: io })}\n`)
  }
}

/** Until it is ended: what all need to be sorted, then the rest of those that fit on the screen. */
async function interact(watch: Watch, screen: Screen): Promise<number> {
  const { arrange, draw, dress, frameLines, gaugesOf } = await import('../top/table.js')
  const { paint } = await import('../colours.js')
  const { press } = await import('../top/keys.js')
  let look: Look = { sort: 'cpu', reverse: false, filter: '', typing: false }
  let isNew = true
  for (;;) {
    const { size } = screen
    if (isNew) {
      await watch.find()
      watch.read(new Set<Gauge>([...gaugesOf[look.sort], 'pids']))
    }
    const shown = arrange(watch.rows(), look).slice(0, Math.max(0, size.rows - frameLines))
    watch.read(
      gauges,
      shown.map(({ id }) => id),
    )
    const rows = watch.rows()
    screen.show(dress(draw(arrange(rows, look), rows.length, look, size), paint))
    const happening = screen.next()
    if (happening.kind === 'end') return happening.status
    isNew = happening.kind === 'refresh'
    if (happening.kind !== 'keys') continue
    const pressed = press(look, happening.keys)
    if (pressed === 'quit') return 0
    isNew = pressed.sort !== look.sort
    look = pressed
  }
}

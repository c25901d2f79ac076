/** Signals by name and number. */
import { constants } from 'node:os'
import t from 'tap'
import { parseSignal } from '#dist/config/signals.js'

t.test('every signal that the operating system names has its number', async (t) => {
  const names = Object.entries(constants.signals).filter(([name]) => name !== 'SIGUNUSED')
  t.ok(names.length > 30)
  for (const [name, number] of names) t.equal(parseSignal(name), number, name)
})

t.test('SIG is optional and case does not matter', async (t) => {
  for (const name of ['KILL', 'kill', 'SIGKILL', 'sigkill', 'SigKill', '9', '09']) t.equal(parseSignal(name), 9, name)
  t.equal(parseSignal('0'), 0)
})

t.test('real-time signals count from both ends', async (t) => {
  t.equal(parseSignal('SIGRTMIN'), 34)
  t.equal(parseSignal('rtmin+3'), 37)
  t.equal(parseSignal('SIGRTMIN+30'), 64)
  t.equal(parseSignal('RTMAX-1'), 63)
  t.equal(parseSignal('SIGRTMAX'), 64)
  t.equal(parseSignal('64'), 64)
})

t.test('what is no signal is an error that names it', async (t) => {
  for (const text of ['', 'NOPE', 'SIG', 'SIGSIGKILL', '65', '-9', '1e1', 'RTMIN+31', 'RTMIN-1', 'RTMAX+1', 'KILL ']) {
    t.throws(() => parseSignal(text), { message: `unknown signal ${JSON.stringify(text)}`, code: 'ERR_TSRUN_USAGE' })
  }
})

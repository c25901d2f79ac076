import t from 'tap'
import { isBindMount, isDataOption } from '#dist/config/mount-options.js'
import { mountOptionNames } from '#dist/config/vocabulary/mounts.js'
import { parseMountOptions } from '#dist/plan/mount-options.js'

t.test('planning knows every option that is not data', (t) => {
  for (const option of mountOptionNames()) {
    t.notOk(isDataOption(option), option)
    t.strictSame(parseMountOptions([option]).data, [], option)
  }
  for (const option of ['idmap=uids=0-1-10', 'ridmap=gids=@0-1-10']) {
    t.notOk(isDataOption(option), option)
    t.strictSame(parseMountOptions([option]).data, [], option)
  }
  t.end()
})

t.test('everything else is data for both, but for the empty option', (t) => {
  t.notOk(isDataOption(''))
  t.strictSame(parseMountOptions(['', 'size=1m', '']).data, ['size=1m'])
  for (const option of ['size=1m', 'mode=755', 'newinstance', 'rlazytime', 'rdefaults', 'rrbind', 'RO']) {
    t.ok(isDataOption(option), option)
    t.strictSame(parseMountOptions([option]).data, [option], option)
  }
  t.end()
})

t.test('a bind mount is one by option or by type', (t) => {
  t.ok(isBindMount({ destination: '/a', options: ['ro', 'bind'] }))
  t.ok(isBindMount({ destination: '/a', type: 'none', options: ['rbind'] }))
  t.ok(isBindMount({ destination: '/a', type: 'bind' }))
  t.notOk(isBindMount({ destination: '/a', type: 'tmpfs', options: ['ro'] }))
  t.notOk(isBindMount({ destination: '/a' }))
  t.end()
})

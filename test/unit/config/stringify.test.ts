import t from 'tap'
import { loadConfig } from '#dist/config/load.js'
import { stringifyConfig } from '#dist/config/stringify.js'
import { config, dataText, processOf } from './support.js'

t.test('a config read back from its text is the same', async (t) => {
  const loaded = await loadConfig(dataText('docker-config.json'))
  t.type(loaded.process.rlimits?.[0]?.hard, 'bigint')
  t.strictSame(await loadConfig(stringifyConfig(loaded)), loaded)
})

t.test('strings that look like the mark of an integer stay strings', async (t) => {
  const env = ['A="\\u0000integer:5"', '\\u0000integer:5=', '"=integer:5"']
  const rlimits = [{ type: 'RLIMIT_AS', soft: 1, hard: 18446744073709551615n }]
  const value = config({ process: processOf({ env, rlimits }) })
  const text = stringifyConfig(value)
  t.match(text, '"hard":18446744073709551615}')
  t.strictSame((await loadConfig(text)).process.env, env)
})

t.test('bigints stay integers where a program has given them a toJSON', async (t) => {
  const prototype = BigInt.prototype as { toJSON?: () => string }
  prototype.toJSON = () => 'text'
  t.teardown(() => delete prototype.toJSON)
  const rlimits = [{ type: 'RLIMIT_AS', soft: 1, hard: 18446744073709551615n }]
  t.match(stringifyConfig(config({ process: processOf({ rlimits }) })), '"hard":18446744073709551615}')
})

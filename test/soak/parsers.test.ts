/** What others write and tsrun reads: changed at random, it is read or refused by an error that the parser speaks of. */
import t from 'tap'
import { parseDuration } from '#dist/config/duration.js'
import { parseJson } from '#dist/config/json.js'
import { parseSignal } from '#dist/config/signals.js'
import { parseSize } from '#dist/config/sizes.js'
import { normaliseArguments, type OptionSpec } from '#dist/cli/argv.js'
import { decodeMessage, encodeMessage, messageLength } from '#dist/dbus/message.js'
import { isTsrunError } from '#dist/errors.js'
import { parseOwnCgroups } from '#dist/host/facts.js'
import { parseMountinfo } from '#dist/host/mountinfo.js'
import { parseIndex, parseManifest, parseSaved } from '#dist/image/documents.js'
import { parsePlatform } from '#dist/image/platform.js'
import { parseReference } from '#dist/image/reference.js'
import { parseVariant } from '#dist/plan/gvariant.js'
import { parseMountOptions } from '#dist/plan/mount-options.js'
import { parseSubordinateIds } from '#dist/plan/subordinate-ids.js'
import { parseRecord } from '#dist/state/record.js'
import { parseContainerId } from '#dist/state/store.js'
import { parseCount, parseList } from '#dist/stats/files.js'
import { randomFrom, type Random } from '../helpers/fuzz.js'

const seed = Number(process.env.SEED ?? 1)
const inputs = Number(process.env.DOCUMENTS ?? 100_000)

interface Parser {
  readonly examples: readonly string[]
  readonly parse: (text: string) => unknown
  /** What it may throw besides errors of tsrun. */
  readonly throws?: readonly string[]
}

const record = JSON.stringify({
  ...{ version: 1, id: 'a', pid: 7, startTime: '9', created: '2026-01-01T00:00:00Z', bundle: '/b', rootfs: '/b/r' },
  ...{ owner: 0, ownPidNamespace: true, cgroup: { unified: '/a', v1: { pids: '/p' } }, cgroupManager: 'cgroupfs' },
  ...{ resources: '{"memory":{"limit":1}}', annotations: { a: 'b' } },
})
const blob = { mediaType: 'application/x', digest: `sha256:${'a'.repeat(64)}`, size: 3 }
const manifest = JSON.stringify({ schemaVersion: 2, config: blob, layers: [blob], annotations: { a: 'b' } })
const index = JSON.stringify({
  schemaVersion: 2,
  manifests: [{ ...blob, platform: { os: 'linux', architecture: 'a' } }],
})
const options: readonly OptionSpec[] = [
  { name: 'bundle', short: 'b', kind: 'string', description: '' },
  { name: 'env', short: 'e', kind: 'list', description: '' },
  { name: 'tty', short: 't', kind: 'boolean', description: '' },
  { name: 'fds', kind: 'int', min: 0, description: '' },
]
const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0) & 0xff)
/** A reply of a bus, each byte a letter. */
const message = String.fromCharCode(
  ...encodeMessage(2, 2, { replyTo: 1, sender: ':1.7', signature: 'sau' }, ['ok', [1, 2]]),
)

const parsers: Readonly<Record<string, Parser>> = {
  'state.json': { examples: [record], parse: (text) => parseRecord(text, '/state.json') },
  'config.json': {
    examples: ['{"ociVersion":"1.2.0","root":{"path":"r"},"a":["\\ud83d\\ude00",1e3]}'],
    parse: parseJson,
  },
  mountinfo: {
    examples: ['22 27 0:20 / /a\\040b rw,nosuid shared:12 master:3 - proc proc rw\n'],
    parse: parseMountinfo,
  },
  '/proc/self/cgroup': { examples: ['12:pids:/a\n1:name=systemd:/b\n0::/c\n'], parse: parseOwnCgroups },
  '/etc/subuid': {
    examples: ['user:100000:65536\n# c\n1000:1:1\n'],
    parse: (text) => parseSubordinateIds(text, ['user']),
  },
  variant: { examples: ["{'a': <@as ['x', 'y']>, 'b': <uint64 7>}", "('s', [1, 2])", "b'\\0'"], parse: parseVariant },
  'mount options': {
    examples: ['ro,nosuid,idmap=uids=0-1-2#3-4-5;gids=0-0-1,x'],
    parse: (text) => parseMountOptions(text.split(',')),
  },
  'image reference': { examples: [`host:5000/a/b:tag@sha256:${'0'.repeat(64)}`], parse: parseReference },
  platform: { examples: ['linux/arm64/v8'], parse: parsePlatform },
  manifest: { examples: [manifest], parse: (text) => parseManifest(text, 'a manifest') },
  'image index': { examples: [index], parse: (text) => parseIndex(text, 'an index') },
  'saved images': {
    examples: ['[{"Config":"c.json","RepoTags":["a:b"],"Layers":["l"]}]'],
    parse: (text) => parseSaved(text, 'it'),
  },
  'a message of D-Bus': {
    examples: [message],
    parse: (text) => (messageLength(bytesOf(text)) === text.length ? decodeMessage(bytesOf(text)) : undefined),
    throws: ['RangeError', 'TypeError'],
  },
  'a command line': {
    examples: ['--bundle b -e a=b --env=c -t=false --fds 3 id -- x', '-b x -t --'],
    parse: (text) => normaliseArguments(text.split(' '), options, { stopAtPositional: text.length % 2 === 0 }),
  },
  duration: { examples: ['1h2m3.5s', '10ms'], parse: (text) => parseDuration('--timeout', text) },
  size: { examples: ['64m', '1.5GiB', '-1'], parse: (text) => parseSize('--memory', text) },
  signal: { examples: ['SIGTERM', '9', 'RTMIN+3'], parse: parseSignal },
  'container id': { examples: ['a.b-c_d+e'], parse: parseContainerId },
  'statistics of cgroups': {
    examples: ['max', '9223372036854775807', '0-3,7'],
    parse: (text) => [parseCount(text), parseList(text)],
  },
}

const strays = [
  '\0',
  '\n',
  '"',
  "'",
  '\\',
  '{',
  '}',
  '[',
  ']',
  ':',
  ',',
  '-',
  '0',
  '9'.repeat(20),
  '\ud800',
  'ü',
  '__proto__',
  ' ',
]

/** A few changes: letters exchanged, left out, doubled, strays put in. */
function changed(random: Random, text: string): string {
  let result = text
  for (let count = random(4); count >= 0; count--) {
    const at = random(result.length + 1)
    const length = random(4)
    const part = [
      () => strays[random(strays.length)] ?? '',
      () => result.slice(at, at + random(30)).repeat(2),
      () => String.fromCharCode(random(256)),
      () => '',
    ][random(4)]
    result = result.slice(0, at) + (part?.() ?? '') + result.slice(at + length)
  }
  return result
}

for (const [name, { examples, parse, throws = [] }] of Object.entries(parsers)) {
  const count = Math.ceil(inputs / Object.keys(parsers).length)
  t.test(`${name}: ${count} changed texts`, { timeout: 0 }, async (t) => {
    const wrong: string[] = []
    let refused = 0
    for (const example of examples) await parse(example)
    for (let one = 0; one < count; one++) {
      const random = randomFrom(seed + one)
      const text = changed(random, examples[one % examples.length] ?? '')
      try {
        await parse(text)
      } catch (error) {
        refused++
        if (!isTsrunError(error) && !throws.includes((error as Error).name))
          wrong.push(`${JSON.stringify(text)}: ${(error as Error).stack ?? String(error)}`)
      }
    }
    t.comment(`${refused} of ${count} refused`)
    t.same(wrong.slice(0, 3), [])
  })
}

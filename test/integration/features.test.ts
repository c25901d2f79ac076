/** Command: features: what the document lists is there, tried one by one where a list is too long for a test of each. */
import { compileSeccomp } from '#dist/native/binding.js'
import { seccompRequest } from '#dist/plan/seccomp.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

interface Features {
  readonly linux: { readonly capabilities: readonly string[]; readonly seccomp: { readonly archs: readonly string[] } }
}

const needs = ['tsrun'] as const
const features = (scope: Scope): Features => JSON.parse(scope.runtime(['features']).stdout) as Features

function bitsOf(mask: string | undefined): number[] {
  const bits: number[] = []
  for (let bit = 0, rest = BigInt(`0x${mask}`); rest !== 0n; bit++, rest >>= 1n) if (rest & 1n) bits.push(bit)
  return bits
}

test(
  'each capability that features lists can be had, alone, as far as the runtime has it itself',
  (t, scope) => {
    const own = bitsOf(scope.probe((config) => delete config.process.capabilities).status.CapBnd)
    features(scope).linux.capabilities.forEach((name, bit) => {
      const container = scope.container((config) => {
        const names = [name]
        config.process.args = ['/probe']
        config.process.capabilities = { bounding: names, permitted: names, effective: names, inheritable: names }
      })
      const expected = own.includes(bit) ? [bit] : []
      const { status, stderr } = container.run()
      t.equal(status, 0, stderr)
      t.match(stderr, own.includes(bit) ? /^$/ : `${name} cannot be granted`)
      const { CapBnd, CapPrm, CapEff, CapInh } = container.report().status
      t.same([CapBnd, CapPrm, CapEff, CapInh].map(bitsOf), [expected, expected, expected, expected], name)
    })
  },
  { needs },
)

const bigEndian = /MIPS(64|64N32)?$|M68K|PARISC|PPC(64)?$|S390|SHEB/

test(
  'a filter is made for each architecture that features lists, except for those of the other byte order',
  (t, scope) => {
    for (const architecture of features(scope).linux.seccomp.archs) {
      const make = () =>
        compileSeccomp(seccompRequest({ defaultAction: 'SCMP_ACT_ALLOW', architectures: [architecture as never] }))
      // libseccomp makes a filter for one byte order.
      if (bigEndian.test(architecture)) t.throws(make, { code: 'ERR_TSRUN_CONFIG', message: new RegExp(architecture) })
      else t.ok(make().length > 0, architecture)
    }
  },
  { needs },
)

test(
  'features is the same for everybody and everywhere',
  (t, scope) => {
    const { stdout } = scope.runtime(['features'])
    const [program, ...rest] = scope.runner.commandLine(['features'])
    const without = 'mount -t tmpfs tmpfs /sys && exec "$@"'
    const elsewhere = [
      scope.runner.runProgram('unshare', ['--mount', 'sh', '-c', without, 'sh', program, ...rest]),
      scope.runtime(['features'], { env: {}, cwd: '/' }),
      scope.runtime(['features'], { globals: ['--root', scope.path('nowhere'), '--systemd-cgroup'] }),
    ]
    for (const result of elsewhere) t.match(result, { status: 0, stderr: '', stdout })
  },
  { needs },
)

/** The executable for arm64, cross-compiled and run by qemu-user: it says what the one of this machine says. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../helpers/tools.js'

interface Arm64 {
  readonly reasonAgainstArm64: () => string | undefined
  readonly buildArm64: () => Promise<string>
}

const { reasonAgainstArm64, buildArm64 } = (await import(join(projectRoot, 'scripts/arm64.mjs'))) as Arm64
const reason = process.arch === 'x64' ? reasonAgainstArm64() : 'is for machines that are no arm64 themselves'
const skip = reason ?? false
const folder = skip === false ? await buildArm64() : ''

const here = join(projectRoot, 'dist/tsrun')
const outcome = (program: string, args: readonly string[]): object => {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  return { status, stdout, stderr }
}
const there = (...args: string[]): object =>
  outcome('qemu-aarch64-static', ['-0', here, join(folder, 'tsrun'), ...args])

/** Offset 18 of an ELF file: EM_AARCH64. */
const machineOf = (name: string): number => readFileSync(join(folder, name)).readUInt16LE(18)

t.test('executable, addon, tsrun-init and the example program are files for arm64', { skip }, (t) => {
  for (const name of ['tsrun', 'tsrun.node', 'tsrun-init', 'hello']) t.equal(machineOf(name), 183, name)
  t.ok(readFileSync(join(folder, 'tsrun')).length < 6_500_000, 'the executable is small')
  t.end()
})

for (const args of [
  ['--version'],
  ['spec', '--help'],
  ['--root', '/nowhere', 'state', 'nothing'],
  ['--root', '/nowhere', 'kill', 'nothing', 'NOSIGNAL'],
  ['--root', '/nowhere', 'list'],
]) {
  t.test(`tsrun ${args.join(' ')} says the same`, { skip }, (t) => {
    t.same(there(...args), outcome(here, args))
    t.end()
  })
}

t.test('tsrun plan plans the same', { skip }, (t) => {
  const bundle = mkdtempSync(join(tmpdir(), 'tsrun-arm64-'))
  t.teardown(() => rmSync(bundle, { recursive: true }))
  mkdirSync(join(bundle, 'rootfs'))
  t.match(there('spec', '--bundle', bundle), { status: 0, stderr: '' })
  const planned = outcome(here, ['plan', '--bundle', bundle])
  t.match(planned, { status: 0, stdout: /pivotRoot/ })
  t.same(there('plan', '--bundle', bundle), planned)
  t.end()
})

t.test('features are those of this architecture', { skip }, (t) => {
  const { stdout } = spawnSync('qemu-aarch64-static', [join(folder, 'tsrun'), 'features'], { encoding: 'utf8' })
  const { linux } = JSON.parse(stdout) as { linux: { seccomp: { archs: string[] } } }
  t.ok(linux.seccomp.archs.includes('SCMP_ARCH_AARCH64'))
  t.end()
})

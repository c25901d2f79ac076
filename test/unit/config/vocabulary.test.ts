// Every table of the vocabulary: its names are those of the spec's own schema, its numbers those of the system's headers.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { env as processEnv } from 'node:process'
import t from 'tap'
import * as linux from '#dist/config/vocabulary/linux.js'
import * as mounts from '#dist/config/vocabulary/mounts.js'
import { namespaceType } from '#dist/config/vocabulary/namespaces.js'
import * as process from '#dist/config/vocabulary/process.js'
import * as seccomp from '#dist/config/vocabulary/seccomp.js'
import { sigkill } from '#dist/config/vocabulary/signals.js'
import { projectRoot } from '../../helpers/tools.js'

interface Schema {
  readonly enum?: readonly string[]
  readonly pattern?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
}

const schema = (file: string) =>
  JSON.parse(readFileSync(join(projectRoot, 'test/data/spec/schema', `${file}.json`), 'utf8')) as Schema & {
    readonly definitions?: Readonly<Record<string, Schema>>
  }
const definitions = schema('defs-linux').definitions ?? {}
const config = schema('config-schema').properties ?? {}
const processSchema = config['process']?.properties ?? {}

/** Names that the spec's text has and its schema has not: config-linux.md "Rootfs Mount Propagation" and mount(2). */
const recursive = ['rprivate', 'rshared', 'rslave', 'runbindable']

const named: readonly (readonly [table: string, ours: readonly string[], spec: readonly string[] | undefined])[] = [
  ['namespaces', Object.keys(namespaceType), definitions['NamespaceType']?.enum],
  ['scheduler policies', Object.keys(process.schedulerPolicy), definitions['SchedulerPolicy']?.enum],
  ['scheduler flags', Object.keys(process.schedulerFlag), definitions['SchedulerFlag']?.enum],
  [
    'I/O priority classes',
    Object.keys(process.ioPriorityClass),
    processSchema['ioPriority']?.properties?.['class']?.enum,
  ],
  ['personalities', Object.keys(linux.personalityDomain), definitions['PersonalityDomain']?.enum],
  ['memory policies', Object.keys(linux.memoryPolicyMode), definitions['MemoryPolicyMode']?.enum],
  ['memory policy flags', Object.keys(linux.memoryPolicyFlag), definitions['MemoryPolicyFlag']?.enum],
  ['propagation', Object.keys(mounts.propagation), [...(definitions['RootfsPropagation']?.enum ?? []), ...recursive]],
  ['seccomp actions', Object.keys(seccomp.seccompAction), definitions['SeccompAction']?.enum],
  ['seccomp operators', Object.keys(seccomp.seccompOperator), definitions['SeccompOperators']?.enum],
  ['seccomp flags', Object.keys(seccomp.seccompFlag), definitions['SeccompFlag']?.enum],
  ['seccomp architectures', Object.keys(seccomp.seccompArchitecture), definitions['SeccompArch']?.enum],
  ['hooks', linux.hookNames, Object.keys(config['hooks']?.properties ?? {})],
]
for (const [table, ours, spec] of named) {
  t.test(`${table}: the names are those of the spec`, (t) => {
    t.ok((spec ?? []).length > 0, 'the schema has a list')
    t.strictSame([...ours].sort(), [...(spec ?? [])].sort())
    t.end()
  })
}

t.test('rlimits and device types fit the patterns of the spec', (t) => {
  const rlimit = new RegExp(processSchema['rlimits']?.items?.properties?.['type']?.pattern ?? '$.')
  for (const name of Object.keys(process.rlimitNumber)) t.match(name, rlimit)
  const device = new RegExp(definitions['FileType']?.pattern ?? '$.')
  for (const name of Object.keys(linux.deviceType)) t.match(name, device)
  t.end()
})

const prefixed = (prefix: string, table: Readonly<Record<string, number>>) =>
  Object.entries(table).map(([name, number]) => [`${prefix}${name.toUpperCase()}`, number] as const)

const { atime, ...attributes } = mounts.mountAttr
const { recursive: rec, ...propagationBits } = mounts.propagationBit
const kernelAction = (name: string) => name.replace('SCMP_ACT_', 'SECCOMP_RET_').replace(/NOTIFY$/, 'USER_NOTIF')
const namespaceConstant: Readonly<Record<string, string>> = { network: 'NET', mount: 'NS' }

/** C expressions and what they must be. */
const constants: readonly (readonly [expression: string, number: number])[] = [
  ...Object.entries(namespaceType).map(
    ([name, { clone }]) => [`CLONE_NEW${namespaceConstant[name] ?? name.toUpperCase()}`, clone] as const,
  ),
  ...prefixed('', process.rlimitNumber),
  // reserved, and without a constant in the headers
  ...prefixed('', process.schedulerPolicy).filter(([name]) => name !== 'SCHED_ISO'),
  ...prefixed('', process.schedulerFlag),
  ...prefixed('', process.ioPriorityClass),
  ...process.capabilityNames.map((name, bit) => [name, bit] as const),
  ...prefixed('S_IF', { chr: linux.deviceType.c, blk: linux.deviceType.b, ifo: linux.deviceType.p }),
  ...prefixed('PER_', linux.personalityDomain),
  ...prefixed('', linux.memoryPolicyMode),
  ...prefixed('', linux.memoryPolicyFlag),
  ...prefixed('MOUNT_ATTR_', attributes),
  ['MOUNT_ATTR__ATIME', atime],
  ...prefixed('MS_', propagationBits),
  ['MS_REC', rec],
  ...prefixed('', seccomp.seccompOperator),
  ['MS_SILENT', mounts.legacyMountFlag.silent],
  ['MS_I_VERSION', mounts.legacyMountFlag.iversion],
  ...Object.entries(seccomp.seccompAction).map(([name, number]) => [kernelAction(name), number] as const),
  ...prefixed('', seccomp.seccompFlag),
  ['SIGKILL', sigkill],
]

const headers = [
  ...['signal.h', 'sched.h', 'seccomp.h', 'sys/stat.h', 'sys/mount.h', 'sys/personality.h', 'linux/capability.h'],
  ...['linux/mempolicy.h', 'linux/seccomp.h', 'linux/sched.h', 'asm-generic/resource.h'],
]

/** Newer than some headers that tsrun builds with (Linux 5.19, 6.9), or in headers that differ too much (ioprio.h). */
const mayBeMissing = /^(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV|MPOL_WEIGHTED_INTERLEAVE|IOPRIO_CLASS_\w+)$/

const compiles = (source: string) =>
  spawnSync('c++', ['-std=c++17', '-fsyntax-only', '-fmax-errors=0', '-x', 'c++', '-'], {
    input: `${headers.map((header) => `#include <${header}>\n`).join('')}${source}`,
    encoding: 'utf8',
    env: { ...processEnv, LC_ALL: 'C' },
  })
const needed = compiles('').status === 0 ? false : 'needs a C++ compiler with the headers of libseccomp'

t.test('the numbers are those of the headers', { skip: needed }, (t) => {
  t.ok(constants.length > 130)
  const assertions = constants.map(([name, number]) => `static_assert((unsigned long)(${name}) == ${number}UL);\n`)
  const errors = compiles(assertions.join(''))
    .stderr.split('\n')
    .filter((line) => line.includes(' error: '))
  const missing = /error: '(\w+)' was not declared/
  const wrong = errors.filter((line) => !mayBeMissing.test(missing.exec(line)?.[1] ?? ''))
  t.strictSame(wrong, [])
  t.end()
})

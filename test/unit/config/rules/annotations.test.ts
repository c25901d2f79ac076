import { readFileSync } from 'node:fs'
import t from 'tap'
import { annotationName, readAnnotations, refusedAnnotations } from '#dist/config/annotations.js'
import { parseConfig } from '#dist/config/load.js'
import { check, config, type Json, linux } from '../support.js'

const annotated = (annotations: Json) => config({ annotations })

check('what would not be there is refused, and an empty value asks for nothing', {
  accepted: Object.keys(refusedAnnotations).map((name) => annotated({ [name]: '' })),
  refused: Object.entries(refusedAnnotations).map(([name, reason]) => [
    annotated({ [name]: 'value' }),
    `/annotations/${name}: not supported: ${reason}`,
  ]),
})

const pathNames = [
  ...['run.oci.hooks.stdout', 'run.oci.hooks.stderr'],
  ...['run.oci.pidfd_receiver', 'run.oci.seccomp.receiver'],
]

check('files and sockets are named by absolute paths', {
  accepted: pathNames.flatMap((name) => [annotated({ [name]: '/run/it' }), annotated({ [name]: '' })]),
  refused: pathNames.map((name) => [
    annotated({ [name]: 'run/it' }),
    `/annotations/${name}: must be an absolute path, found "run/it"`,
  ]),
})

check('a mount context type is one of SELinux’s mount options', {
  accepted: ['', 'context', 'fscontext', 'defcontext', 'rootcontext'].map((value) =>
    annotated({ 'run.oci.mount_context_type': value }),
  ),
  refused: [
    [
      annotated({ 'run.oci.mount_context_type': 'seclabel' }),
      '/annotations/run.oci.mount_context_type: unknown mount context type "seclabel"; known are context, fscontext, defcontext, rootcontext',
    ],
  ],
})

t.test('annotations of others, and none at all, change nothing', async (t) => {
  const settings = { keepGroups: false, failUnknownSyscall: false, mountContext: 'context', hookOutput: {} }
  t.strictSame(readAnnotations(), settings)
  t.strictSame(
    readAnnotations({ 'run.oci.unknown': 'x', 'krun.cpus': '2', 'module.wasm.image/variant': 'c' }),
    settings,
  )
})

t.test('a receiver stands in for a listener path, and not beside one', async (t) => {
  const annotations = { 'run.oci.seccomp.receiver': '/agent' }
  const syscalls = [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }]
  const listenerOf = async (members: Json) =>
    (await parseConfig(linux({ seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls, ...members } }, { annotations })))
      .linux?.seccomp?.listenerPath
  t.equal(await listenerOf({}), '/agent')
  t.equal(await listenerOf({ listenerPath: '/own' }), '/own')
})

t.test('docs/annotations.md tells about each', async (t) => {
  const text = readFileSync(new URL('../../../../../docs/annotations.md', import.meta.url), 'utf8')
  const [obeyed = '', refused = ''] = text.split('## Refused')
  for (const name of Object.values(annotationName)) t.ok(obeyed.includes(`\`${name}\``), name)
  for (const name of Object.keys(refusedAnnotations)) t.ok(refused.includes(`\`${name}\``), name)
})

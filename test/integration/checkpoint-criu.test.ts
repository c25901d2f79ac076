/** Commands: checkpoint and restore: what CRIU is asked for, and CRIUs that are too old for it. */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Counter, withCriu } from '../helpers/checkpoint.js'
import type { RunOptions } from '../helpers/runtime.js'
import type { Scope } from '../helpers/scope.js'
import { test, testWith } from '../helpers/test.js'
import { tool } from '../helpers/tools.js'

const testCriu = testWith('tsrun', 'criu', 'overlay')

/** In the place of CRIU, one of this version that fails at whatever it is asked, and writes that to `requests`. */
function withOldCriu(scope: Scope, major: number, minor: number): RunOptions & { readonly requests: string } {
  const folder = scope.path(`criu-${major}.${minor}`)
  mkdirSync(folder)
  const requests = join(folder, 'requests')
  writeFileSync(requests, '')
  const script = `#!/bin/sh\nexec '${tool('peer')}' criu "$2" ${major} ${minor} '${requests}'\n`
  writeFileSync(join(folder, 'criu'), script, { mode: 0o755 })
  return { env: { PATH: `${folder}:/usr/bin:/bin` }, requests }
}

test('a CRIU that is too old for checkpoint, or cannot do what an option asks for, is refused by name, and the container runs on', (t, scope) => {
  const counter = new Counter(scope).start()
  const checkpoint = (criu: RunOptions, ...args: string[]) =>
    scope.runtime(['checkpoint', '--image-path', counter.images, ...args, counter.container.id], criu)
  const refused = (stderr: RegExp) => ({ status: 1, stderr })
  t.match(checkpoint(withOldCriu(scope, 2, 12)), refused(/checkpoint needs CRIU 3\.0 or later; here is 2\.12/))
  const criu = withOldCriu(scope, 3, 15)
  t.match(checkpoint(criu, '--lazy-pages'), refused(/CRIU on this kernel does not support --lazy-pages/))
  t.match(checkpoint(criu, '--pre-dump'), refused(/CRIU on this kernel does not support --pre-dump/))
  t.match(checkpoint(criu), refused(/criu dump failed/))
  t.equal(counter.ask(), 1)
})

test('--lsm-mount-context takes CRIU 3.16, and reaches it as it is', (t, scope) => {
  const { bundle, id } = scope.container()
  const images = scope.path('images')
  mkdirSync(images)
  writeFileSync(join(images, 'inventory.img'), '')
  const context = 'system_u:object_r:container_file_t:s0:c1,c2'
  const restore = (criu: RunOptions, ...args: string[]) =>
    scope.runtime(['restore', '-d', '--image-path', images, '--bundle', bundle.path, ...args, id], criu)
  const old = withOldCriu(scope, 3, 15)
  const needs = { status: 1, stderr: /restore needs CRIU 3\.16 or later; here is 3\.15/ }
  t.match(restore(old, '--lsm-mount-context', context), needs)
  const criu = withOldCriu(scope, 3, 16)
  t.match(restore(criu, '--lsm-mount-context', context), { status: 1, stderr: /criu restore failed/ })
  // The bytes of field 63 of criu_opts: its key, the length, the text.
  const field = `\xfa\x03${String.fromCharCode(context.length)}${context}`
  t.ok(readFileSync(criu.requests, 'latin1').includes(field))
  t.same(scope.leftovers(), [])
})

for (const [file, others] of [
  ['tsrun.conf', ['runc.conf']],
  ['runc.conf', []],
] as const) {
  testCriu(
    `/etc/criu/${file} has settings of CRIU’s${others.length > 0 ? ', before runc.conf' : ''}; an empty annotation asks for none`,
    (t, scope) => {
      const settings = (name: string, log: string) => `echo 'log-file ${log}' >/etc/criu/${name}`
      // Of another mount namespace, with an /etc of its own: that of the host stays as it is.
      const script = [
        'mkdir "$0" "$0/upper" "$0/work"',
        'mount -t overlay -o "lowerdir=/etc,upperdir=$0/upper,workdir=$0/work" etc /etc && mkdir -p /etc/criu',
        settings(file, 'settings.log'),
        ...others.map((name) => settings(name, 'another.log')),
        'exec "$@"',
      ].join('; ')
      for (const [log, annotations] of [
        ['settings.log', {}],
        ['dump.log', { 'org.criu.config': '' }],
      ] as const) {
        const counter = new Counter(scope, (config) => void (config.annotations = annotations)).start()
        const { container, images } = counter
        const line = scope.runner.commandLine(['checkpoint', '--leave-running', '--image-path', images, container.id])
        const args = ['-m', 'sh', '-c', script, scope.path(`etc-${container.id}`), ...line]
        t.match(scope.runner.runProgram('unshare', args, withCriu()), { status: 0, stderr: '' })
        t.same(
          readdirSync(images).filter((name) => name.endsWith('.log')),
          [log],
        )
        t.equal(counter.ask(), 1)
      }
    },
  )
}

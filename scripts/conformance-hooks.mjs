// The section of docs/conformance.md about hooks, and the tests that show what it says.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, root } from './process.mjs'

/** What the specification leaves to a table of its own, and the peers do differently: each kind of hook, with the tests that show it. */
const hookKinds = [
  [
    'prestart, createRuntime',
    'runtime',
    '`create`, when the mounts are made, before pivot_root',
    'creating; the host’s',
    'the caller’s',
    '`create` fails, poststop hooks run',
  ],
  [
    'createContainer',
    'container, path of the runtime',
    '`create`, after createRuntime',
    'creating; the container’s',
    'none (CVE-2025-23266)',
    '`create` fails, poststop hooks run',
  ],
  [
    'startContainer',
    'container',
    '`start`, under the program’s filter, before it',
    'created; the container’s',
    'the program’s, with HOME',
    '`start` fails, the container is stopped',
  ],
  [
    'poststart',
    'runtime',
    '`start`, after the program has been started',
    'running; the host’s',
    'the caller’s',
    '`start` fails, the container is deleted',
  ],
  ['poststop', 'runtime', '`delete`', 'stopped; 0', 'the caller’s', 'a warning; the others run'],
]

const hookTests = {
  hooks: [
    'hooks of the runtime run in its namespaces, those of the container in the container’s',
    'hooks run at their moments: create, start or delete',
    'all hooks get the same document, the specification’s, but for status and pid',
    'a hook without an environment has the caller’s, createContainer none, startContainer the program’s',
    'hooks of one kind run in their order, each after the end of the one before',
    'a startContainer hook runs under the filter of the program, whatever that forbids',
  ],
  'hook-failures': [
    'when create fails in a hook, the poststop hooks run: config.md, lifecycle, steps 12 and 13',
    'a startContainer hook that fails makes start fail, and the container is stopped',
    'a poststart hook that fails makes start fail, and the container is gone, by way of its poststop hooks',
    'a poststop hook that fails does not keep delete from its work, nor the hooks after it',
    'the hooks after a failing one do not run',
    'a hook that is not ready within its timeout is killed, and that is an error',
  ],
  'no-mount-namespace': ['hooks run without a mount namespace too, and find the rootfs'],
}

/** The section about hooks. @throws Failure when a test has another title now */
export function hookSection() {
  const tests = Object.entries(hookTests).flatMap(([file, titles]) => {
    const text = readFileSync(join(root, `test/integration/${file}.test.ts`), 'utf8')
    const lost = titles.find((title) => !text.includes(`'${title}'`))
    if (lost !== undefined) throw new Failure(`test/integration/${file}.test.ts has no test "${lost}"`)
    return titles.map((title) => `- integration/${file}: ${title}`)
  })
  return [
    '',
    '## Hooks',
    '',
    'Every kind gets the state as JSON on its standard input. runc 1.1 and crun differ as `differences.md` says.',
    '',
    '| hooks | namespaces | when | status and pid in the state | environment without `env` | a failure |',
    '| --- | --- | --- | --- | --- | --- |',
    ...hookKinds.map((row) => `| ${row.join(' | ')} |`),
    '',
    'Shown by:',
    '',
    ...tests,
    '',
  ].join('\n')
}

// The section of docs/conformance.md about checkpoint and restore: every flag that runc has, and the test that shows it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, root } from './process.mjs'

const moved = 'a container is written to files and gone, and goes on from them with another id in its own cgroup'
const predump =
  '--pre-dump and --parent-path: memory before, then what has changed; refused where the kernel does not track it'
const lazy =
  'restore --lazy-pages: a container goes on without its memory, which criu lazy-pages hands over when it is used'
const status = '--lazy-pages: --status-fd tells when pages can be asked for, and the container goes when who asks does'
const pageServer = '--page-server: memory goes to a server of CRIU’s'
const orphans = 'orphans of a container in the foreground without a pid namespace go to'

/** Flag → test file and the title of its test, or how that begins. */
const flagTests = {
  'image-path': ['checkpoint', moved],
  'work-path': ['checkpoint', moved],
  'pid-file': ['checkpoint', moved],
  detach: ['checkpoint', moved],
  bundle: ['checkpoint', moved],
  'leave-running': ['checkpoint', 'a container runs on after --leave-running, and so does its copy once it has gone'],
  'pre-dump': ['checkpoint-options', predump],
  'parent-path': ['checkpoint-options', predump],
  'tcp-established': [
    'checkpoint-options',
    '--tcp-established: a container with an open connection is refused without it, and the connection goes on',
  ],
  'tcp-skip-in-flight': [
    'checkpoint-options',
    '--tcp-skip-in-flight: a connection that nobody has accepted yet is refused without it',
  ],
  'file-locks': ['checkpoint-options', '--file-locks: a container with locked files is refused without it'],
  'link-remap': [
    'checkpoint-options',
    '--link-remap: an open file whose name is gone, but not its other one, is refused without it',
  ],
  'ext-unix-sk': ['checkpoint-options', '--ext-unix-sk: a stream whose other end is outside is refused without it'],
  'shell-job': [
    'checkpoint-options',
    '--shell-job: a container in the terminal of its caller is refused without it, and goes on in that of who restores',
  ],
  'lazy-pages': ['checkpoint-options', lazy],
  'status-fd': ['checkpoint-options', status],
  'page-server': ['checkpoint-options', pageServer],
  'auto-dedup': ['checkpoint-options', 'restore --auto-dedup drops from the images what it has read'],
  'empty-ns': ['checkpoint-options', '--empty-ns network: a network namespace is made anew, without what was in it'],
  'manage-cgroups-mode': [
    'checkpoint-options',
    '--manage-cgroups-mode strict: CRIU refuses a cgroup that exists, as that of a new container does',
  ],
  'lsm-profile': ['checkpoint-options', '--lsm-profile reaches CRIU, which refuses what the kernel has not'],
  'lsm-mount-context': ['checkpoint-criu', '--lsm-mount-context takes CRIU 3.16, and reaches it as it is'],
  'console-socket': ['restore', 'a terminal goes to the console socket again'],
  'no-subreaper': ['restore', orphans],
  'no-pivot': ['checkpoint', 'options that mean nothing are refused by their name, and the container runs on'],
}

const places = ['criu-options', 'commands/checkpoint', 'commands/restore']

/** The flags of both commands and where they are, from the tables of the command line. */
function flags() {
  const found = places.map((place) => {
    const text = readFileSync(join(root, `src/cli/${place}.ts`), 'utf8')
    return [...text.matchAll(/^ +(?:\{ )?name: '([\w-]+)',(?= short| kind|\n +(?:short|kind))/gm)].map(
      ([, name]) => name,
    )
  })
  const commands = ['both', 'checkpoint', 'restore']
  return [...found.flatMap((names, at) => names.map((name) => [name, commands[at]])), ['bundle', 'restore']]
}

/** The section. @throws Failure when a flag has no test here, or a test another title now */
export function checkpointSection() {
  const rows = flags().map(([name, of]) => {
    const [file, title] = flagTests[name] ?? []
    if (file === undefined) throw new Failure(`scripts/conformance-checkpoint.mjs has no test of --${name}`)
    const text = readFileSync(join(root, `test/integration/${file}.test.ts`), 'utf8')
    if (!text.includes(title)) throw new Failure(`test/integration/${file}.test.ts has no test "${title}"`)
    return `| \`--${name}\` | ${of} | integration/${file}: ${title} |`
  })
  return [
    '',
    '## Checkpoint and restore',
    '',
    'Every flag that runc has; what they do is in `checkpoint.md`. The tests need a CRIU that works on the kernel.',
    '',
    '| flag | of | test |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}

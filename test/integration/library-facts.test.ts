/** The library: what it knows of the host holds as long as the host is so. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from '../helpers/test.js'
import { projectRoot } from '../helpers/tools.js'

const needs = ['tsrun', 'cgroup-v1'] as const

const program = `
import { execFileSync } from 'node:child_process'
import { Runtime } from ${JSON.stringify(join(projectRoot, 'dist/index.js'))}
const [root, bundle, place] = process.argv.slice(2)
const runtime = new Runtime({ root })
const pids = async () => (await runtime.plan({ bundle })).cgroup.v1.pids ?? ''
const found = [await pids(), await pids()]
execFileSync('umount', [place])
found.push(await pids())
execFileSync('mount', ['-t', 'cgroup', '-o', 'pids', 'cgroup', place])
found.push(await pids())
execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', place])
found.push(await pids())
console.log(JSON.stringify(found.map((path) => path.startsWith(place + '/'))))
`

test(
  'a hierarchy that is unmounted, mounted or covered between two containers is noticed',
  (t, scope) => {
    const { path } = scope.bundle()
    const file = join(path, 'program.mjs')
    writeFileSync(file, program)
    // As tsrun finds it, in a mount namespace that nobody else sees.
    const script = `place=$(awk '$3 == "cgroup" && $4 ~ /(^|,)pids(,|$)/ { print $2; exit }' /proc/self/mounts); exec "$@" "$place"`
    const command = ['unshare', '-m', 'sh', '-c', script, 'sh', process.execPath, file, scope.root, path] as const
    const { status, stdout, stderr } = scope.runner.runProgram(command[0], command.slice(1))
    t.same({ status, stdout, stderr }, { status: 0, stdout: '[true,true,false,true,false]\n', stderr: '' })
  },
  { needs },
)

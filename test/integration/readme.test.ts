/** What README.md prints can be typed in its order, and what it states is so. */
import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { commands } from '#dist/cli/program.js'
import { requires } from '../helpers/requires.js'
import { projectRoot } from '../helpers/tools.js'

const read = (name: string): string => readFileSync(join(projectRoot, name), 'utf8')
const readme = read('README.md')

t.test('each bundle of README.md is made once: no command fails because of one before', async (t) => {
  const folder = t.testdir({})
  const making = readme.split('\n').filter((line) => /^mkdir -p \/tmp\/\w+\/rootfs|^dist\/tsrun spec /.test(line))
  t.ok(making.length >= 4)
  for (const line of making) {
    const { status, stderr } = spawnSync('sh', ['-c', line.replaceAll('/tmp/', `${folder}/`)], {
      cwd: projectRoot,
      encoding: 'utf8',
    })
    t.same({ status, stderr }, { status: 0, stderr: '' }, line)
  }
})

t.test('its list of commands has those that there are', async (t) => {
  const list = /^tsrun \[--root DIR\][^]*?^```/m.exec(readme)?.[0] ?? ''
  for (const name of Object.keys(commands)) {
    if (name === 'help') continue
    t.match(list, new RegExp(`(^|  )${name} `, 'm'), name)
  }
})

t.test('the commands that it and CONTRIBUTING.md name are there', async (t) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const named = [...(readme + read('CONTRIBUTING.md')).matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name)
  t.same(
    [...new Set(named)].filter((name) => scripts[name] === undefined),
    [],
  )
  const files = [...read('CONTRIBUTING.md').matchAll(/`((?:src|test|native|scripts|docs)\/[\w./-]+)`/g)]
  for (const [, path = ''] of files) t.ok(existsSync(join(projectRoot, path)), path)
})

t.test(
  'the executable is one static file of 6 MB that runs where nothing else is',
  { skip: requires('root', 'static') },
  async (t) => {
    const program = join(projectRoot, 'dist/tsrun')
    t.ok(lstatSync(program).isFile())
    t.equal(Math.round(statSync(program).size / 1e6), 6)
    const folder = t.testdir({})
    writeFileSync(join(folder, 'tsrun'), readFileSync(program), { mode: 0o755 })
    const { stdout, stderr } = spawnSync('chroot', [folder, '/tsrun', '--version'], { encoding: 'utf8' })
    t.match({ stdout, stderr }, { stdout: /^tsrun version/, stderr: '' })
  },
)

t.test('its program in JavaScript runs as it is printed', { skip: requires('root') }, async (t) => {
  const code = /```js\n([^]*?)```/.exec(readme)?.[1] ?? ''
  const file = join(projectRoot, 'build', `readme-${process.pid}.mjs`)
  t.teardown(() => void spawnSync('rm', ['-f', file]))
  writeFileSync(file, `${code}process.stdout.write(\`\${exit.code} \${stdout}\`)`)
  const { stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' })
  t.same({ stdout, stderr }, { stdout: '0 hello from nobody\n', stderr: '' })
})

t.test('its pictures of engines are in the files that the tests use', async (t) => {
  const settings = /```toml\n([^]*?)```/.exec(readme)?.[1]?.split('\n').filter(Boolean) ?? []
  const file = read('docs/engines/containers.conf')
  t.ok(settings.length > 3)
  for (const line of settings) t.ok(file.includes(line), line)
})

t.test('npm test -- --quick leaves out what installs engines, a browser or machines, and says so', async (t) => {
  const { stdout } = spawnSync(process.execPath, ['scripts/test.mjs', '--quick', 'engines', 'browser', 'vm'], {
    cwd: projectRoot,
    encoding: 'utf8',
  })
  for (const lane of ['engines', 'browser', 'vm']) t.match(stdout, `${lane}: not run (left out by --quick)`)
  t.notMatch(stdout, 'installing')
})

/** Commands: spec, features, --version, help. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeRootfs } from '../helpers/bundle.js'
import { test } from '../helpers/test.js'

interface Example {
  process: { terminal?: boolean; args: string[] }
}

test('spec writes a config.json that runs a shell in rootfs', (t, scope) => {
  t.match(scope.runtime(['spec'], { cwd: scope.folder }), { status: 0, stdout: '', stderr: '' })
  const config = JSON.parse(readFileSync(scope.path('config.json'), 'utf8')) as Example
  t.match(config, { process: { terminal: true, args: ['sh'] }, root: { path: 'rootfs', readonly: true } })
  config.process.terminal = false
  writeFileSync(scope.path('config.json'), JSON.stringify(config))
  makeRootfs(scope.path('rootfs'))
  const options = { cwd: scope.folder, input: 'echo $0; exit 9\n' }
  const { status, stdout, stderr } = scope.runtime(['run', scope.newId()], options)
  t.same({ status, stdout, stderr }, { status: 9, stdout: 'sh\n', stderr: '' })
})

test('spec asks for a cgroup namespace where the host has cgroup v2 alone, as runc does', (t, scope) => {
  t.equal(scope.runtime(['spec'], { cwd: scope.folder }).status, 0)
  const config = JSON.parse(readFileSync(scope.path('config.json'), 'utf8')) as {
    linux: { namespaces: { type: string }[] }
  }
  const isUnified = existsSync('/sys/fs/cgroup/cgroup.controllers')
  t.equal(
    config.linux.namespaces.some(({ type }) => type === 'cgroup'),
    isUnified,
  )
})

test('spec does not overwrite a config.json', (t, scope) => {
  const { path } = scope.bundle()
  const before = statSync(join(path, 'config.json')).mtimeMs
  const { status, stderr } = scope.runtime(['spec', '--bundle', path])
  t.equal(status, 1)
  t.match(stderr, /config\.json exists/)
  t.equal(statSync(join(path, 'config.json')).mtimeMs, before)
})

test('spec --rootless asks for a user namespace and for nothing that needs root', (t, scope) => {
  scope.runtime(['spec', '--rootless'], { cwd: scope.folder })
  const config = JSON.parse(readFileSync(scope.path('config.json'), 'utf8')) as {
    linux: { namespaces: { type: string }[]; resources?: unknown }
  }
  const types = config.linux.namespaces.map(({ type }) => type)
  t.ok(types.includes('user'))
  t.notOk(types.includes('network'))
  t.equal(config.linux.resources, undefined)
})

test('features is a JSON object with the versions of the spec', (t, scope) => {
  const { status, stdout, stderr } = scope.runtime(['features'])
  t.same({ status, stderr }, { status: 0, stderr: '' })
  t.match(JSON.parse(stdout), { ociVersionMin: /^1\.0\.\d/, ociVersionMax: /^1\.\d/, linux: { seccomp: {} } })
})

test('--version names the runtime and the spec', (t, scope) => {
  const { status, stdout } = scope.runtime(['--version'])
  t.equal(status, 0)
  t.match(stdout, /^\w+ version \d.*\n(.*\n)*spec: 1\.\d/)
})

test('an unknown command or option is an error', (t, scope) => {
  t.equal(scope.runtime(['create', '--no-such-option', 'x']).status, 1)
  t.not(scope.runtime(['no-such-command']).stdout + scope.runtime(['no-such-command']).stderr, '')
})

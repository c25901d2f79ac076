/** config.json: linux.resources.devices, seen from inside. */
import { existsSync, mkdirSync, rmdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setDeviceRules } from '#dist/native/binding.js'
import { runOnlyV1 } from '../helpers/cgroup.js'
import type { TestConfig } from '../helpers/config.js'
import { cgroupMounts } from '../helpers/leaks.js'
import { parseReport, tried } from '../helpers/probe.js'
import { test } from '../helpers/test.js'

type Rules = NonNullable<NonNullable<TestConfig['linux']['resources']>['devices']>

const withRules =
  (...rules: Rules) =>
  (config: TestConfig): void => {
    config.linux.resources = { devices: rules }
    // A device that no default rule mentions, and that every kernel has (mem(4)).
    const capabilities = ['CAP_MKNOD', 'CAP_SYSLOG']
    config.process.capabilities = { bounding: capabilities, permitted: capabilities, effective: capabilities }
    config.linux.devices = [{ type: 'c', path: '/dev/kmsg', major: 1, minor: 11, fileMode: 0o666 }]
  }

const denyAll = { allow: false, access: 'rwm' }
const kmsg = { type: 'c', major: 1, minor: 11 }

test('without rules only the default devices can be opened, and nodes can be made', (t, scope) => {
  const opens = ['null', 'zero', 'full', 'random', 'urandom', 'ptmx'].map((name) => `open /dev/${name} rw`)
  const report = scope.probe(withRules(), 'open /dev/kmsg r', 'mknod /dev/made c 1 11', 'open /dev/made r', ...opens)
  t.equal(tried(report, 'open /dev/kmsg r').error, 'EPERM')
  t.equal(tried(report, 'mknod /dev/made c 1 11').error, '')
  t.equal(tried(report, 'open /dev/made r').error, 'EPERM')
  for (const words of opens) t.equal(tried(report, words).error, '', words)
})

test('a device can be used as far as its rule allows', (t, scope) => {
  const report = scope.probe(
    withRules(denyAll, { allow: true, ...kmsg, access: 'r' }),
    'open /dev/kmsg r',
    'open /dev/kmsg w',
    'open /dev/kmsg rw',
  )
  t.equal(tried(report, 'open /dev/kmsg r').error, '')
  t.equal(tried(report, 'open /dev/kmsg w').error, 'EPERM')
  t.equal(tried(report, 'open /dev/kmsg rw').error, 'EPERM')
})

test('of several rules the last one that matches decides, for each kind of access', (t, scope) => {
  const report = scope.probe(
    withRules(
      { allow: false, ...kmsg, access: 'rw' },
      { allow: true, access: 'rwm' },
      { allow: false, type: 'c', major: 1, access: 'w' },
      { allow: false, type: 'b', access: 'rw' },
    ),
    'open /dev/kmsg r',
    'open /dev/kmsg w',
    'open /dev/null w',
    'mknod /dev/loop b 7 0',
    'open /dev/loop r',
  )
  t.equal(tried(report, 'open /dev/kmsg r').error, '')
  t.equal(tried(report, 'open /dev/kmsg w').error, 'EPERM')
  t.equal(tried(report, 'open /dev/null w').error, '', 'the default rules come last')
  t.equal(tried(report, 'mknod /dev/loop b 7 0').error, '')
  t.equal(tried(report, 'open /dev/loop r').error, 'EPERM')
})

test('a rule that allows everything does so', (t, scope) => {
  const report = scope.probe(withRules({ allow: true, access: 'rwm' }), 'open /dev/kmsg rw', 'mknod /dev/a b 259 1')
  t.equal(tried(report, 'open /dev/kmsg rw').error, '')
  t.equal(tried(report, 'mknod /dev/a b 259 1').error, '')
})

test(
  'on cgroup v1 alone the devices controller does the same',
  (t, scope) => {
    const container = scope.container((config) => {
      withRules(denyAll, { allow: true, ...kmsg, access: 'r' })(config)
      config.process.args = [
        '/probe',
        'open /dev/kmsg r',
        'open /dev/kmsg w',
        'open /dev/zero rw',
        'mknod /dev/a b 7 0',
      ]
    })
    const { status, stdout, stderr } = runOnlyV1(scope, ['run', '--bundle', container.bundle.path, container.id])
    t.same({ status, stderr }, { status: 0, stderr: '' })
    const report = parseReport(stdout)
    t.equal(tried(report, 'open /dev/kmsg r').error, '')
    t.equal(tried(report, 'open /dev/kmsg w').error, 'EPERM')
    t.equal(tried(report, 'open /dev/zero rw').error, '')
    t.equal(tried(report, 'mknod /dev/a b 7 0').error, '')
  },
  { needs: ['tsrun', 'cgroup-unified', 'cgroup-v1'] },
)

test(
  'the kernel takes very many rules, and new ones replace the old',
  (t, scope) => {
    const mount = cgroupMounts().find((path) => existsSync(join(path, 'cgroup.controllers'))) ?? ''
    const directory = join(mount, scope.word)
    mkdirSync(directory)
    scope.defer(() => rmdirSync(directory))
    const rules = Array.from({ length: 2000 }, (_, at) => ({
      ...{ allow: at % 2 === 0, type: 'c' as const, major: at % 256, minor: at, access: at % 3 ? 'r' : 'rwm' },
    }))
    setDeviceRules(directory, rules)
    for (let at = 0; at < 100; at++) setDeviceRules(directory, rules.slice(0, at))
    t.ok(statSync(directory).isDirectory(), 'more than 64 programs cannot be attached, so they were replaced')
  },
  { needs: ['tsrun', 'cgroup-unified'] },
)

/** config.json: linux.resources of controllers that few hosts have in cgroup v1. The machine becomes one for the test. */
import { join } from 'node:path'
import { groupOf, readGroup } from '../helpers/cgroups.js'
import type { Change } from '../helpers/config.js'
import { addHugePages, mapHugePages } from '../helpers/huge-pages.js'
import { tried } from '../helpers/probe.js'
import type { Scope } from '../helpers/scope.js'
import { noteSeen } from '../helpers/seen.js'
import { testWith } from '../helpers/test.js'

const test = testWith('own-machine', 'x86-64', 'huge-pages')

const mebi = 1024 * 1024

/** Makes the machine a hybrid host, with one controller in cgroup v1, until the end of the test. */
function makeHybrid(scope: Scope, controller: string): void {
  const run = (...command: [string, ...string[]]): void => {
    const { status, stderr } = scope.runner.runProgram(command[0], command.slice(1))
    if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`)
  }
  const top = '/sys/fs/cgroup'
  const [unified, legacy] = ['unified', controller].map((name) => join(top, name)) as [string, string]
  run('umount', '--lazy', top)
  scope.defer(() => run('mount', '-t', 'cgroup2', '-o', 'nsdelegate', 'cgroup2', top))
  run('mount', '-t', 'tmpfs', 'tmpfs', top)
  scope.defer(() => run('umount', top))
  run('mkdir', unified, legacy)
  run('mount', '-t', 'cgroup2', '-o', 'nsdelegate', 'cgroup2', unified)
  scope.defer(() => run('umount', unified))
  run('mount', '-t', 'cgroup', '-o', controller, 'cgroup', legacy)
  scope.defer(() => run('umount', legacy))
}

/** What a created container has in its files. */
function written(scope: Scope, controller: string, change: Change, ...files: string[]): string[] {
  const container = scope.container((config) => {
    config.process.args = ['/bin/true']
    change(config)
  })
  const { status, stderr } = container.create()
  if (status !== 0) throw new Error(stderr)
  const directory = groupOf(container.state().pid, controller)
  return files.map((file) => readGroup(directory, file))
}

test('the class of packets is written to net_cls', (t, scope) => {
  makeHybrid(scope, 'net_cls')
  const file = 'net_cls.classid'
  const limit: Change = (config) => {
    config.linux.resources = { network: { classID: 0x100001 } }
  }
  const [value = ''] = written(scope, 'net_cls', limit, file)
  t.equal(value, '1048577')
  noteSeen({ field: 'network.classID', controller: 'net_cls', file, value, legacyMount: true })
})

test('the priority of an interface is written to net_prio', (t, scope) => {
  makeHybrid(scope, 'net_prio')
  const file = 'net_prio.ifpriomap'
  const limit: Change = (config) => {
    config.linux.resources = { network: { priorities: [{ name: 'lo', priority: 5 }] } }
  }
  const [value] = written(scope, 'net_prio', limit, file)
  t.match(value, /^lo 5$/m)
  noteSeen({ field: 'network.priorities', controller: 'net_prio', file, value: 'lo 5', legacyMount: true })
})

test('a limit of huge pages is written to hugetlb of cgroup v1, and works', (t, scope) => {
  makeHybrid(scope, 'hugetlb')
  addHugePages(scope, 4)
  const limit: Change = (config) => {
    config.linux.resources = { hugepageLimits: [{ pageSize: '2MB', limit: 4 * mebi }] }
  }
  const files = ['hugetlb.2MB.limit_in_bytes', 'hugetlb.2MB.rsvd.limit_in_bytes']
  const values = written(scope, 'hugetlb', limit, ...files)
  t.same(values, ['4194304', '4194304'])
  files.forEach((file, at) => {
    const value = values[at] ?? ''
    noteSeen({ field: 'hugepageLimits', controller: 'hugetlb', file, value, legacyMount: true })
  })
  const tries = [mapHugePages(2 * mebi), mapHugePages(6 * mebi)] as const
  const report = scope.probe(limit, ...tries)
  t.same(
    tries.map((words) => tried(report, words).error),
    ['', 'ENOMEM'],
  )
  const effect = 'within 4 MiB, mmap of 2 MiB works, of 6 MiB is ENOMEM'
  noteSeen({ field: 'hugepageLimits', controller: 'hugetlb', effect, legacyMount: true })
})

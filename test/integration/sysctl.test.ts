/** config.json: linux.sysctl. */
import { readFileSync } from 'node:fs'
import { dropNamespace, setNamespace } from '../helpers/config.js'
import { tried } from '../helpers/probe.js'
import { test } from '../helpers/test.js'

test('parameters of the container’s namespaces are set, with dots or slashes, and the host’s stay', (t, scope) => {
  const host = readFileSync('/proc/sys/kernel/msgmax', 'utf8')
  const report = scope.probe(
    (config) => {
      setNamespace(config, 'network')
      config.linux.sysctl = {
        'kernel.msgmax': '12345',
        'kernel.shm_rmid_forced': '1',
        'fs.mqueue.msg_max': '7',
        'net.ipv4.ip_forward': '1',
        'net/ipv4/conf/lo/forwarding': '1',
        'kernel.sem': '100 2000 30 40',
      }
    },
    'read /proc/sys/kernel/msgmax',
    'read /proc/sys/kernel/shm_rmid_forced',
    'read /proc/sys/fs/mqueue/msg_max',
    'read /proc/sys/net/ipv4/ip_forward',
    'read /proc/sys/net/ipv4/conf/lo/forwarding',
    'read /proc/sys/kernel/sem',
  )
  const value = (path: string) => tried(report, `read /proc/sys/${path}`).text?.trim()
  t.equal(value('kernel/msgmax'), '12345')
  t.equal(value('kernel/shm_rmid_forced'), '1')
  t.equal(value('fs/mqueue/msg_max'), '7')
  t.equal(value('net/ipv4/ip_forward'), '1')
  t.equal(value('net/ipv4/conf/lo/forwarding'), '1')
  t.equal(value('kernel/sem'), '100\t2000\t30\t40')
  t.equal(readFileSync('/proc/sys/kernel/msgmax', 'utf8'), host)
})

test('a parameter is set although /proc/sys is read-only in the container', (t, scope) => {
  const report = scope.probe(
    (config) => {
      config.linux.readonlyPaths = ['/proc/sys']
      config.linux.sysctl = { 'kernel.msgmax': '12345' }
    },
    'read /proc/sys/kernel/msgmax',
    'write /proc/sys/kernel/msgmax 1',
  )
  t.equal(tried(report, 'read /proc/sys/kernel/msgmax').text, '12345\n')
  t.equal(tried(report, 'write /proc/sys/kernel/msgmax 1').error, 'EROFS')
})

test('a parameter whose namespace is the host’s is refused', (t, scope) => {
  const refused = (key: string, change?: 'ipc' | 'uts') => {
    const container = scope.container((config) => {
      config.linux.sysctl = { [key]: '1' }
      if (change !== undefined) dropNamespace(config, change)
    })
    const { status, stderr } = container.create()
    t.equal(status, 1, key)
    t.match(stderr, /sysctl/, key)
  }
  refused('kernel.msgmax', 'ipc')
  refused('fs.mqueue.msg_max', 'ipc')
  refused('net.ipv4.ip_forward')
  refused('kernel.domainname', 'uts')
  refused('kernel.hostname')
  refused('kernel.panic')
  refused('vm.swappiness')
  t.same(scope.leftovers(), [])
})

test('a network namespace that is joined and is the host’s after all doesn’t count as one', (t, scope) => {
  const container = scope.container((config) => {
    setNamespace(config, 'network', '/proc/self/ns/net')
    config.linux.sysctl = { 'net.ipv4.ip_forward': readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim() }
  })
  t.match(container.create(), { status: 1, stderr: /net\.ipv4\.ip_forward|sysctl/ })
})

test('a parameter or a value that the kernel doesn’t know is an error that names it', (t, scope) => {
  for (const sysctl of [{ 'kernel.shm_nothing': '1' }, { 'kernel.msgmax': 'many' }]) {
    const container = scope.container((config) => {
      config.linux.sysctl = sysctl
    })
    const { status, stderr } = container.create()
    t.equal(status, 1)
    t.match(stderr, /shm_nothing|msgmax/)
  }
  t.same(scope.leftovers(), [])
})

/** containerd's CRI plugin: what a kubelet asks for. */
import assert from 'node:assert/strict'
import { Cri } from './support/cri.js'
import { Features } from './support/feature.js'
import { fileShows } from './support/files.js'

const cri = new Features('containerd CRI', () => Cri.start())

const server = ['httpd', '-f', '-h', '/www']

cri.add('its default runtime is the one of config.toml', async (cri) => {
  const info = (await cri.call('Status', [[1, 1]])).messages(2)
  const config = info.find((entry) => entry.text(1) === 'config')?.text(2) ?? ''
  assert.match(config, /"defaultRuntimeName":"tsrun"/)
  assert.ok(config.includes(`"BinaryName":"${cri.containerd.sandbox.runtime()}"`), config)
})

cri.add('a pod with a container; exec; logs', async (cri) => {
  const pod = await cri.pod('first')
  const id = await cri.container(pod, 'only', ['sh', '-c', 'echo logged; touch /tmp/logged; sleep 1000'])
  assert.equal((await cri.status(id)).state, 'running')
  const { status, stdout, stderr } = await cri.exec(
    id,
    'sh',
    '-c',
    'until [ -e /tmp/logged ]; do :; done; hostname; echo err >&2; exit 3',
  )
  assert.deepEqual([status, stdout, stderr], [3, 'first\n', 'err\n'])
  await cri.call('StopContainer', [[1, id]])
  assert.deepEqual(await cri.status(id), { state: 'exited', exitCode: 137, reason: 'Error' })
  await fileShows(cri.containerd.sandbox.file('logs-first/only.log'), / stdout F logged\n/)
  await cri.call('RemoveContainer', [[1, id]])
})

cri.add('two containers of a pod share its network', async (cri) => {
  const pod = await cri.pod('shared')
  await cri.container(pod, 'server', server)
  const client = await cri.container(pod, 'client', ['sleep', '1000'])
  const fetch = 'until wget -qO- http://127.0.0.1/ 2>/dev/null; do :; done'
  assert.equal((await cri.exec(client, 'sh', '-c', fetch)).stdout, 'a page\n')
})

cri.add('two pods talk', async (cri) => {
  const pod = await cri.pod('server')
  await cri.container(pod, 'server', server)
  const address = (await cri.call('PodSandboxStatus', [[1, pod.id]])).message(1).message(5).text(1)
  const client = await cri.container(await cri.pod('client'), 'client', ['sleep', '1000'])
  const fetch = `until wget -qO- http://${address}/ 2>/dev/null; do :; done`
  assert.equal((await cri.exec(client, 'sh', '-c', fetch)).stdout, 'a page\n')
})

cri.add("a pod with the node's network", async (cri) => {
  const id = await cri.container(await cri.pod('node', { host: true }), 'only', ['sleep', '1000'])
  assert.match((await cri.exec(id, 'ls', '/sys/class/net')).stdout, /cni/)
})

cri.add('an OOM kill that the CRI sees', async (cri) => {
  // containerd hears of kills from when the container has started. They and the end come by different ways, so the
  // container outlives the kill.
  const command = ['sh', '-c', 'until [ -e /tmp/go ]; do :; done; tail /dev/zero; exec sleep 100']
  const id = await cri.container(await cri.pod('oom'), 'only', command, [[1, [[4, 10 << 20]]]])
  await cri.exec(id, 'touch', '/tmp/go')
  let seen = await cri.status(id)
  while (seen.state === 'running' && seen.reason === '') seen = await cri.status(id)
  await cri.call('StopContainer', [[1, id]])
  assert.deepEqual(await cri.status(id), { state: 'exited', exitCode: 137, reason: 'OOMKilled' })
})

cri.add('resize in place: UpdateContainerResources', async (cri) => {
  const id = await cri.container(await cri.pod('resize'), 'only', ['sleep', '1000'], [[1, [[4, 40 << 20]]]])
  await cri.call('UpdateContainerResources', [
    [1, id],
    [2, [[4, 20 << 20]]],
  ])
  const files = '/sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max'
  const { stdout } = await cri.exec(id, 'sh', '-c', `cat ${files} 2>/dev/null`)
  assert.equal(stdout, `${20 << 20}\n`)
})

cri.add('stats', async (cri) => {
  const id = await cri.container(await cri.pod('stats'), 'only', ['sleep', '1000'])
  const stats = (await cri.call('ContainerStats', [[1, id]])).message(1)
  assert.ok(stats.message(3).message(2).number(1) > 0)
})

cri.add('security context: user, capabilities, read-only root, seccomp, masked paths', async (cri) => {
  const capabilities = [1, [[2, 'ALL']]] as const
  const user = [5, [[1, 12]]] as const
  const seccomp = [15, [[1, 0]]] as const
  const context = [2, [capabilities, user, [7, 1], [11, 1], seccomp]] as const
  const id = await cri.container(await cri.pod('secure'), 'only', ['sleep', '1000'], [context])
  const script = 'id -u; grep -E "CapBnd|NoNewPrivs|Seccomp:" /proc/self/status | cut -f2; touch /file 2>&1'
  const { stdout } = await cri.exec(id, 'sh', '-c', script)
  assert.equal(stdout, '12\n0000000000000000\n1\n2\ntouch: /file: Read-only file system\n')
})

cri.end()

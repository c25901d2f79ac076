/** Engines: checkpoint and restore. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import t from 'tap'
import { criuPath } from '../helpers/requires.js'
import { Containerd } from './support/containerd.js'
import { Docker, image as dockerImage } from './support/docker.js'
import { Features } from './support/feature.js'
import { image, Podman } from './support/podman.js'

/** A container that has noted something in its memory; it tells when it is asked for by a signal. */
const memory = 'word=kept; trap "echo $word >/tmp/word" USR1; touch /tmp/steady; while :; do sleep 1; done'
const steady = 'until [ -e /tmp/steady ]; do :; done'
const tells = 'until [ -s /tmp/word ]; do :; done; cat /tmp/word'

async function remembering(podman: Podman): Promise<string> {
  const name = podman.name()
  await podman.ok('run', '-d', '--name', name, '--network', 'none', image, 'sh', '-c', memory)
  await podman.ok('exec', name, 'sh', '-c', steady)
  return name
}

function tryPodman(path: string): void {
  const podman = new Features('podman: checkpoint', async () => {
    const engine = await Podman.start()
    engine.sandbox.path = path
    return engine
  })

  podman.add('container checkpoint, container restore', async (podman) => {
    const name = await remembering(podman)
    await podman.ok('container', 'checkpoint', name)
    assert.equal(
      await podman.ok('inspect', '--format', '{{.State.Status}} {{.State.Checkpointed}}', name),
      'exited true',
    )
    await podman.ok('container', 'restore', name)
    await podman.ok('kill', '--signal', 'USR1', name)
    assert.equal(await podman.ok('exec', name, 'sh', '-c', tells), 'kept')
  })

  podman.add('container checkpoint --leave-running', async (podman) => {
    const name = await remembering(podman)
    await podman.ok('container', 'checkpoint', '--leave-running', name)
    assert.equal(await podman.ok('inspect', '--format', '{{.State.Running}}', name), 'true')
  })

  podman.add('container checkpoint --export, container restore --import under another name', async (podman) => {
    const name = await remembering(podman)
    const archive = podman.sandbox.file('archive.tar.gz')
    await podman.ok('container', 'checkpoint', '--export', archive, name)
    assert.ok(existsSync(archive))
    await podman.ok('rm', '-f', name)
    const other = podman.name()
    await podman.ok('container', 'restore', '--import', archive, '--name', other)
    await podman.ok('kill', '--signal', 'USR1', other)
    assert.equal(await podman.ok('exec', other, 'sh', '-c', tells), 'kept')
  })

  podman.end()
}

function tryContainerd(path: string): void {
  const containerd = new Features('containerd: checkpoint', () => Containerd.start({ path }))

  containerd.add('ctr task checkpoint', async (containerd) => {
    const name = await containerd.start()
    const images = containerd.sandbox.file('images')
    await containerd.ok('task', 'checkpoint', '--image-path', images, '--work-path', images, name)
    assert.ok(existsSync(`${images}/inventory.img`))
  })

  containerd.add('ctr container checkpoint --task, ctr container restore --live', async (containerd) => {
    const name = await containerd.start()
    const checkpoint = `localhost/checkpoint:${name}`
    await containerd.ok('container', 'checkpoint', '--image', '--rw', '--task', name, checkpoint)
    // What is restored is to be in the same cgroup.
    await containerd.ok('task', 'rm', '--force', name)
    const other = containerd.name()
    await containerd.ok('container', 'restore', '--rw', '--live', other, checkpoint)
  })

  containerd.end()
}

function tryDocker(path: string): void {
  const docker = new Features('docker: checkpoint', () => Docker.start({ path }))

  // Docker 28 asks for the network of a process that it has not restored yet, with any runtime.
  const refusedByNetwork = { hostLimit: /bind-mount \/proc\/0\/ns\/net/ }

  const restores = async (docker: Docker): Promise<void> => {
    // At times Docker 20.10 takes its own upload to containerd for somebody else's, before it has called any runtime.
    const refusedByDocker = /failed to upload checkpoint to containerd: .*already exists/
    let name: string, started: { readonly status: number | null; readonly stderr: string }
    let attempts = 0
    do {
      name = docker.name()
      await docker.ok('run', '-d', '--name', name, '--network', 'none', dockerImage, 'sh', '-c', memory)
      await docker.ok('exec', name, 'sh', '-c', steady)
      await docker.ok('checkpoint', 'create', name, 'one')
      assert.equal(await docker.ok('wait', name), '137')
      started = await docker.command(['start', '--checkpoint', 'one', name])
    } while (refusedByDocker.test(started.stderr) && ++attempts < 3)
    assert.equal(started.status, 0, started.stderr)
    await docker.ok('kill', '--signal', 'USR1', name)
    assert.equal(await docker.ok('exec', name, 'sh', '-c', tells), 'kept')
  }

  docker.add('docker checkpoint create, docker start --checkpoint', restores, refusedByNetwork)

  docker.add('docker checkpoint create --leave-running', async (docker) => {
    const name = docker.name()
    await docker.ok('run', '-d', '--name', name, '--network', 'none', dockerImage, 'sh', '-c', memory)
    await docker.ok('exec', name, 'sh', '-c', steady)
    await docker.ok('checkpoint', 'create', '--leave-running', name, 'one')
    assert.equal(await docker.ok('inspect', '--format', '{{.State.Running}}', name), 'true')
  })

  docker.end()
}

const path = criuPath()
if (path === undefined) t.pass('checkpoints', { skip: 'needs a CRIU that works on this kernel' })
else for (const tryEngine of [tryPodman, tryContainerd, tryDocker]) tryEngine(path)

/** Engines: checkpoint and restore. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { criuPath } from '../helpers/requires.js'
import { Features } from './support/feature.js'
import { image, Podman } from './support/podman.js'

const podman = new Features('podman: checkpoint', async () => {
  const engine = await Podman.start()
  engine.sandbox.path = criuPath() ?? engine.sandbox.path
  return engine
})

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

podman.add('container checkpoint, container restore', async (podman) => {
  const name = await remembering(podman)
  await podman.ok('container', 'checkpoint', name)
  assert.equal(await podman.ok('inspect', '--format', '{{.State.Status}} {{.State.Checkpointed}}', name), 'exited true')
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

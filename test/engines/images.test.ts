/** Images that Docker, podman and skopeo push and save: tsrun makes the same tree of each as umoci. */
import assert from 'node:assert/strict'
import { Docker, image } from './support/docker.js'
import { Features } from './support/feature.js'
import type { Result } from './support/sandbox.js'

const docker = new Features('Images from Docker, podman and skopeo', () => Docker.start(), ['tsrun'])

const registry = `
version: 0.1
storage: { filesystem: { rootdirectory: FOLDER } }
http: { addr: '127.0.0.1:5000' }
`

/** Owners, modes, links, holes, times, attributes and a capability; then what the layers above hide and replace. */
const base = `
set -e
mkdir -p tree/d/e tree/hidden/a tree/opaque tree/bin
cd tree
echo one > d/one; ln d/one d/e/two; ln -s ../d/one d/link; echo x > hidden/a/b; echo x > opaque/old; echo x > gone
echo solo > d/solo; chmod 640 d/solo
truncate -s 1M d/hole; touch -d 2001-02-03T04:05:06.789 d/old; mkfifo d/pipe; mknod d/null c 1 3
chown 5:6 d/one; chown -h 7:8 d/link; chmod 4755 d/one; chmod 1777 d/e; echo capable > d/capable
setcap cap_net_raw+ep d/capable; touch d/attribute; setfattr -n user.note -v text d/attribute
printf 'name' > "d/$(printf 'gr\\303\\274n')"
cp /bin/busybox bin/busybox; for name in sh rm mkdir chmod chown ln echo; do ln -s busybox bin/$name; done
tar --xattrs --xattrs-include='*' --numeric-owner -cf ../base.tar .
`

const dockerfile = `
FROM base
RUN rm -r /hidden /gone && rm -r /opaque && mkdir /opaque && echo new > /opaque/new
RUN chmod 700 /d/e && chown 9:9 /d/old && ln /d/solo /d/three
RUN echo two > /d/old
USER 5:6
WORKDIR /d
ENV A=1
ENTRYPOINT ["echo"]
CMD ["from", "the image"]
`

/**
 * Everything about a tree that both must have made; directories of overlays count no links, and a file there still counts
 * those that layers above have replaced, which are none in the image for that.
 */
const list = `
cd "$0"
find . ! -type d -printf '%P %y %m %U:%G %n %s %T@ %l\\n' -o -printf '%P %y %m %U:%G %T@\\n' | LC_ALL=C sort
tar --sort=name --format=posix --pax-option=delete=atime,delete=ctime,exthdr.name=x --numeric-owner --xattrs \\
  --xattrs-include='*' --warning=no-file-ignored -cf - . | sha256sum
`

async function ok(docker: Docker, program: string, ...args: string[]): Promise<string> {
  const result: Result = await docker.sandbox.run(program, args, {
    cwd: docker.sandbox.folder,
    env: docker.environment,
  })
  assert.equal(result.status, 0, `${program} ${args.join(' ')}\n${result.stderr}`)
  return result.stdout
}

const tsrun = (docker: Docker, ...args: string[]): Promise<string> => ok(docker, docker.sandbox.runtime(), ...args)

/** The tree that umoci unpacks of what skopeo reads. */
async function expected(docker: Docker, source: string, name: string): Promise<string> {
  const { sandbox } = docker
  await ok(
    docker,
    'skopeo',
    '--insecure-policy',
    'copy',
    '--src-tls-verify=false',
    source,
    `oci:${sandbox.file(name)}:t`,
  )
  await ok(docker, 'umoci', 'unpack', '--image', `${sandbox.file(name)}:t`, sandbox.file(`${name}-umoci`))
  return ok(docker, 'sh', '-c', list, sandbox.file(`${name}-umoci/rootfs`))
}

/** The tree of a bundle of an image, and what its program prints. */
async function assertSame(docker: Docker, name: string, tree: string): Promise<void> {
  const { sandbox } = docker
  const store = ['--image-root', sandbox.file('images')]
  await tsrun(docker, 'bundle', 'create', ...store, name, sandbox.file('bundle'))
  try {
    const found = await ok(docker, 'sh', '-c', list, sandbox.file('bundle/rootfs'))
    assert.deepEqual(found.split('\n'), tree.split('\n'))
    assert.match(found, /^d\/three f 640 0:0 2 5 /m)
    assert.doesNotMatch(found, /^(hidden|gone|opaque\/old)/m)
  } finally {
    await tsrun(docker, 'bundle', 'delete', sandbox.file('bundle'))
  }
  assert.equal(await tsrun(docker, 'run', ...store, '--image', name, '--pull', 'never'), 'from the image\n')
}

const importAs = (docker: Docker, name: string, file: string): Promise<string> =>
  tsrun(
    docker,
    'image',
    'import',
    '--image-root',
    docker.sandbox.file('images'),
    '--name',
    name,
    docker.sandbox.file(file),
  )

docker.add('an image of several layers is built, and saved by docker save', async (docker) => {
  const { sandbox } = docker
  await ok(docker, 'sh', '-c', base)
  await docker.ok('import', sandbox.file('base.tar'), 'base')
  sandbox.write('context/Dockerfile', dockerfile)
  const build = await docker.command(['build', '-t', 'made', sandbox.file('context')], {
    env: { DOCKER_BUILDKIT: '0' },
  })
  assert.equal(build.status, 0, build.stderr)
  await docker.ok('save', '-o', sandbox.file('docker.tar'), 'made')
  const tree = await expected(docker, `docker-archive:${sandbox.file('docker.tar')}`, 'saved')
  assert.equal((await importAs(docker, 'saved', 'docker.tar')).split('\n').length, 2)
  await assertSame(docker, 'saved', tree)
})

for (const format of ['docker-archive', 'oci-archive', 'oci-dir']) {
  docker.add(`podman save --format ${format}`, async (docker) => {
    const { sandbox } = docker
    const podman = ['--root', sandbox.file('storage'), '--runroot', sandbox.file('runroot'), '--storage-driver', 'vfs']
    await ok(docker, 'podman', ...podman, 'load', '-i', sandbox.file('docker.tar'))
    await ok(docker, 'podman', ...podman, 'save', '--format', format, '-o', sandbox.file(format), 'made')
    const transport = format === 'oci-dir' ? 'oci' : format
    const tree = await expected(docker, `${transport}:${sandbox.file(format)}`, `podman-${format}`)
    await importAs(docker, format, format)
    await assertSame(docker, format, tree)
  })
}

docker.add('pushed by docker to a registry, and pulled', async (docker) => {
  const { sandbox } = docker
  const config = sandbox.write('registry.yml', registry.replace('FOLDER', sandbox.file('registry')))
  await sandbox.daemon('docker-registry', ['serve', config], /listening on/)
  const name = '127.0.0.1:5000/by/docker:v1'
  await docker.ok('tag', 'made', name)
  await docker.ok('push', name)
  const tree = await expected(docker, `docker://${name}`, 'pushed')
  const pulled = await tsrun(docker, 'image', 'pull', '--insecure', '--image-root', sandbox.file('images'), name)
  assert.match(pulled, /^sha256:[0-9a-f]{64} 127\.0\.0\.1:5000\/by\/docker:v1\n$/)
  await assertSame(docker, name, tree)
})

for (const format of ['oci', 'v2s2']) {
  docker.add(`pushed by skopeo (${format}) to a registry, and pulled`, async (docker) => {
    const name = `127.0.0.1:5000/by/skopeo:${format}`
    const { sandbox } = docker
    const source = `docker-archive:${sandbox.file('docker.tar')}`
    const flags = ['--insecure-policy', 'copy', '--dest-tls-verify=false', '--format', format]
    await ok(docker, 'skopeo', ...flags, source, `docker://${name}`)
    const tree = await expected(docker, `docker://${name}`, `skopeo-${format}`)
    await tsrun(docker, 'image', 'pull', '--insecure', '--image-root', sandbox.file('images'), name)
    await assertSame(docker, name, tree)
  })
}

docker.add('what tsrun exports is read by skopeo and Docker', async (docker) => {
  const { sandbox } = docker
  const store = ['--image-root', sandbox.file('images')]
  await tsrun(docker, 'image', 'export', ...store, '--output', sandbox.file('exported.tar'), 'saved')
  const archive = sandbox.file('for-docker.tar')
  await ok(
    docker,
    'skopeo',
    '--insecure-policy',
    'copy',
    `oci-archive:${sandbox.file('exported.tar')}`,
    `docker-archive:${archive}:exported:latest`,
  )
  await docker.ok('load', '-i', archive)
  assert.equal(await docker.run('exported'), 'from the image')
  assert.equal(await docker.run(image, 'echo', 'ended'), 'ended')
})

docker.end()

/** What people write for an image, and users by the image's own files. */
import t from 'tap'
import { convertConfig } from '#dist/image/convert.js'
import { parsePlatform, choose } from '#dist/image/platform.js'
import { parseReference } from '#dist/image/reference.js'
import { resolveUser } from '#dist/image/users.js'

const digest = `sha256:${'a'.repeat(64)}`

t.test('names are completed as Docker does', async (t) => {
  for (const [text, name] of Object.entries({
    busybox: 'docker.io/library/busybox:latest',
    'busybox:1': 'docker.io/library/busybox:1',
    'a/b': 'docker.io/a/b:latest',
    'index.docker.io/b': 'docker.io/library/b:latest',
    'localhost/b': 'localhost/b:latest',
    'localhost:5000/b/c:x': 'localhost:5000/b/c:x',
    'example.org/a': 'example.org/a:latest',
    [`a@${digest}`]: `docker.io/library/a@${digest}`,
    [`a:t@${digest}`]: `docker.io/library/a:t@${digest}`,
  }))
    t.equal(parseReference(text).name, name)
})

t.test('what is no name is refused', async (t) => {
  for (const text of [
    '',
    'A',
    'a b',
    '../a',
    'a/../b',
    'a:',
    'a@sha256:1',
    'a//b',
    '-a',
    'a:b:c',
    'http://a/b',
    'a@b@c',
  ])
    t.throws(() => parseReference(text), { code: 'ERR_TSRUN_USAGE' }, text)
})

t.test('users are looked up in the image', async (t) => {
  const passwd = 'root:x:0:0::/:/bin/sh\napp:x:10:11::/:/bin/sh\nbad:x:4294967295:1::/:\n'
  const group = 'root:x:0:root\nmore:x:20:app,root\nown:x:11:app\n'
  const user = (text: string): object => resolveUser(text, { passwd, group })
  t.same(user(''), { uid: 0, gid: 0, additionalGids: [20] })
  t.same(user('app'), { uid: 10, gid: 11, additionalGids: [20] })
  t.same(user('10'), { uid: 10, gid: 11, additionalGids: [20] })
  t.same(user('app:more'), { uid: 10, gid: 20 })
  t.same(user('5:6'), { uid: 5, gid: 6 })
  t.same(user('5'), { uid: 5, gid: 0 })
  for (const text of ['nobody', 'app:nothing', 'a:b:c', '4294967295', 'bad', '-1'])
    t.throws(() => user(text), { code: 'ERR_TSRUN_IMAGE' }, text)
  t.same(resolveUser('', { passwd: '', group: '' }), { uid: 0, gid: 0 })
})

t.test('of an index the image for this machine is taken', async (t) => {
  const manifest = (architecture: string, os = 'linux', variant?: string) => ({
    ...{ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 1 },
    platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
  })
  const all = [
    manifest('unknown', 'unknown'),
    manifest('amd64', 'windows'),
    manifest('arm', 'linux', 'v6'),
    manifest('arm', 'linux', 'v7'),
    manifest('amd64'),
  ]
  t.equal(choose(all, parsePlatform('linux/amd64'), 'it'), all[4])
  t.equal(choose(all, parsePlatform('arm/v7'), 'it'), all[3])
  t.throws(
    () => choose(all, parsePlatform('s390x'), 'it'),
    /it has no image for linux\/s390x, only for windows\/amd64, linux\/arm/,
  )
})

t.test('entrypoint, command and arguments stand for each other as in Docker', async (t) => {
  const args = (config: object, overrides: object): readonly string[] | undefined =>
    convertConfig({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] }, config }, overrides, {
      rootfs: 'rootfs',
      accounts: { passwd: '', group: '' },
      cgroupNamespace: true,
      inUserNamespace: false,
      machine: 'x86_64',
    }).process.args
  const both = { Entrypoint: ['e'], Cmd: ['c'] }
  t.same(args(both, {}), ['e', 'c'])
  t.same(args(both, { args: ['a'] }), ['e', 'a'])
  t.same(args(both, { entrypoint: ['x'] }), ['x'])
  t.same(args(both, { entrypoint: [], args: ['a'] }), ['a'])
  t.throws(() => args({}, {}), { code: 'ERR_TSRUN_IMAGE' })
})

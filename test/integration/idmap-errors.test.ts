/** config.json: id-mapped mounts that cannot be: file systems that know none, mappings that are wrong. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { mapIds, type Change, type TestConfig, type TestMount } from '../helpers/config.js'
import { bind, both } from '../helpers/id-maps.js'
import type { Scope } from '../helpers/scope.js'
import { test } from '../helpers/test.js'

const hostID = 100_000

/** What `create` says about a config, which must leave nothing. */
function refusal(scope: Scope, change: (config: TestConfig) => void): string {
  const { status, stderr } = scope.container(change).create()
  if (status !== 1) throw new Error(`create ended with status ${status}`)
  return stderr
}

test(
  'a file system that knows no id-mapped mounts is named in the error, also one below the source',
  (t, scope) => {
    const refused = refusal(scope, (config) => {
      mapIds(config, hostID)
      config.mounts.push(bind('/proc', { options: ['bind', 'idmap'] }))
    })
    t.match(refused, 'mount_setattr(MOUNT_ATTR_IDMAP) "/proc"')
    t.match(
      refused,
      /for "\/dev\/data": the file system proc at \/proc cannot be id-mapped by this kernel: mount it without/,
    )
    const source = scope.mountTmpfs('source')
    const below = join(source, 'below')
    mkdirSync(below)
    scope.runner.runProgram('mount', ['-t', 'proc', 'proc', below])
    scope.defer(() => void scope.runner.runProgram('umount', [below]))
    const inside: Change = (config) => {
      mapIds(config, hostID)
      config.mounts.push(bind(source, { options: ['rbind', 'ridmap'] }))
    }
    t.match(refusal(scope, inside), `the file system proc at ${below} cannot be id-mapped`)
    const own = refusal(scope, (config) => {
      config.mounts.push({ destination: '/dev/mqueue', type: 'mqueue', options: ['idmap'], ...both([0, 9, 9]) })
    })
    t.match(own, 'the file system mqueue cannot be id-mapped')
  },
  { needs: ['tsrun'] },
)

test(
  'idmap without mappings anywhere, and mappings that are wrong, are errors that say where',
  (t, scope) => {
    const problem = (members: Partial<TestMount>, change: Change = () => undefined): string =>
      refusal(scope, (config) => {
        change(config)
        config.mounts = [bind('/tmp', members)]
      })
    t.match(problem({ options: ['bind', 'idmap'] }), '/mounts/0/options/1: needs mappings, or a user namespace')
    t.match(problem({ options: ['bind', 'idmap=uids=0-1-2'] }), '/mounts/0/options/1: needs gids, or a user namespace')
    t.match(
      problem({ options: ['bind', 'idmap'], uidMappings: [{ containerID: 0, hostID: 0, size: 1 }] }),
      '/mounts/0/gidMappings: is missing',
    )
    const overlapping = both([0, 1000, 10], [9, 2000, 10])
    t.match(
      problem({ options: ['bind', 'idmap'], ...overlapping }),
      '/mounts/0/uidMappings/1: 9-2000-10 overlaps 0-1000-10 in the container ids',
    )
    t.match(
      problem({ options: ['bind', 'idmap=uids=0-1-10#10-10-10;gids=0-4294967295-1#0-0-0'] }),
      /options\/1: 10-10-10 overlaps 0-1-10 in the host ids; .*1: 0-4294967295-1 reaches .*: 0-0-0: the size must not be 0/,
    )
    t.match(
      problem({ options: ['bind', 'idmap=uids=@0-65530-10;gids=0-0-1'] }, (config) => mapIds(config, hostID)),
      /\/mounts\/0\/options\/1: "@0-65530-10" is not within one mapping of the container's user namespace/,
    )
    t.same(scope.leftovers(), [])
  },
  { needs: ['tsrun'] },
)

test(
  'a source that is missing fails like one that is not mapped',
  (t, scope) => {
    const stderr = refusal(scope, (config) => {
      config.mounts.push(bind('/nonexistent/source', { options: ['bind', 'idmap'], ...both([0, 1, 1]) }))
    })
    t.match(stderr, /open_tree "\/nonexistent\/source": no such file or directory/)
    t.same(scope.leftovers(), [])
  },
  { needs: ['tsrun'] },
)

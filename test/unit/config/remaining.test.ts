/** A part of a wrong shape hides none of the broken rules of the rest. */
import t from 'tap'
import { parseConfig } from '#dist/config/load.js'
import type { ConfigError } from '#dist/errors.js'

const good = {
  ociVersion: '1.0.2',
  process: { args: ['/x'], cwd: '/' },
  root: { path: 'rootfs' },
  linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }] },
}

async function pointers(change: object): Promise<string[]> {
  try {
    await parseConfig({ ...good, ...change })
    return []
  } catch (error) {
    return (error as ConfigError).issues.map(({ pointer }) => pointer)
  }
}

t.test('a shape and a rule are told together', async (t) => {
  t.same(await pointers({}), [])
  const rule = await pointers({ process: { args: ['/x'], cwd: 'relative' } })
  t.same(rule, ['/process/cwd'])
  t.same(await pointers({ hostname: 5, process: { args: ['/x'], cwd: 'relative' } }), ['/hostname', '/process/cwd'])
  t.same(await pointers({ mounts: [{ destination: 7 }], process: { args: ['/x'], cwd: 'relative' } }), [
    '/mounts/0/destination',
    '/process/cwd',
  ])
})

t.test('no rule is told that only the missing part would break', async (t) => {
  t.same(await pointers({ hostname: 'x', linux: { namespaces: [{ type: 'nothing' }] } }), ['/linux/namespaces/0/type'])
  t.same(await pointers({ process: 'x' }), ['/process'])
  t.same(await pointers({ process: { args: 'x', cwd: '/' } }), ['/process/args'])
})

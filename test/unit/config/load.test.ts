import t from 'tap'
import { readDocument } from '#dist/config/document.js'
import { parseJson } from '#dist/config/json.js'
import { loadConfig, parseConfig } from '#dist/config/load.js'
import { config, dataText, linux, problems, problemsOf, processOf } from './support.js'

const good = [
  'freebsd-example',
  'freebsd-minimal',
  'linux-netdevice',
  'linux-rdma',
  'minimal-for-start',
  'minimal',
  'spec-example',
  'zos-example',
  'zos-minimal',
]

t.test("the good examples of the spec's schemas have the right shape", async (t) => {
  for (const name of good) {
    const text = dataText(`spec/good/${name}.json`)
    t.strictSame(await problemsOf(() => readDocument(parseJson(text))), [], name)
  }
})

t.test("the bad examples of the spec's schemas are refused for their fault", async (t) => {
  const faults: Readonly<Record<string, string>> = {
    'invalid-json': ': line 1, column 2: expected a member name in double quotes, found "]"',
    'linux-hugepage':
      '/linux/resources/hugepageLimits/0/pageSize: must be a size such as "64KB" or "2MB", found "64kB"',
    'linux-netdevice': '/linux/netDevices/eth0/name: must be a string, found 23',
    'linux-rdma':
      '/linux/resources/rdma/mlx5_1/hcaHandles: must be an integer from 0 to 4294967295, found "not a uint32"',
  }
  for (const [name, fault] of Object.entries(faults)) {
    t.strictSame(await problemsOf(() => loadConfig(dataText(`spec/bad/${name}.json`))), [fault], name)
  }
  // its fault is in the member of another platform; what is wrong with it for Linux is something else
  t.strictSame(await problemsOf(() => loadConfig(dataText('spec/bad/freebsd-vnet-disable.json'))), [
    '/process: is missing',
  ])
})

t.test('the full example of the spec loads', async (t) => {
  t.strictSame(await problemsOf(() => loadConfig(dataText('spec/good/spec-example.json'))), [])
})

t.test("Docker's typical config.json loads as it is", async (t) => {
  const text = dataText('docker-config.json')
  const loaded = await loadConfig(text)
  t.strictSame(loaded, parseJson(text))
  t.equal(loaded.process.rlimits?.[0]?.hard, 18446744073709551615n)
})

t.test('integers of 64 bits keep every bit, from text and from rounded doubles', async (t) => {
  const hard = async (text: string) => {
    const rlimit = `{"type": "RLIMIT_AS", "soft": 0, "hard": ${text}}`
    const loaded = await loadConfig(
      `{"root": {"path": "r"}, "process": {"cwd": "/", "args": ["a"], "rlimits": [${rlimit}]}}`,
    )
    return loaded.process.rlimits?.[0]?.hard
  }
  t.equal(await hard('18446744073709551615'), 18446744073709551615n)
  t.equal(await hard('18446744073709551614'), 18446744073709551614n)
  t.equal(await hard('9007199254740993'), 9007199254740993n)
  t.equal(await hard('9007199254740991'), 9007199254740991)
  t.equal(await hard('1e19'), 10000000000000000000n)
  await t.rejects(hard('18446744073709551616'), { code: 'ERR_TSRUN_CONFIG' })

  const infinity = { type: 'RLIMIT_AS', soft: 0, hard: Number('18446744073709551615') }
  const parsed = await parseConfig(config({ process: processOf({ rlimits: [infinity] }) }))
  t.equal(parsed.process.rlimits?.[0]?.hard, 18446744073709551615n)
})

t.test('unknown members are ignored at every level, and are not in the config', async (t) => {
  const loaded = await parseConfig(
    config({
      future: { a: 1 },
      vm: { kernel: { path: 7 } },
      windows: null,
      solaris: 3,
      process: processOf({ future: [], user: { username: 'root', uid: 5 }, commandLine: 'a' }),
      linux: { resources: { oomScoreAdj: 100, future: { limit: 1 } } },
    }),
  )
  t.strictSame(loaded, {
    ociVersion: '1.3.0',
    root: { path: 'rootfs' },
    process: { cwd: '/', args: ['sh'], user: { uid: 5 } },
    linux: { resources: {} },
  })
})

t.test('null, undefined and the empty strings of Go count as absent', async (t) => {
  const loaded = await parseConfig(
    config({
      ociVersion: null,
      hostname: '',
      domainname: '',
      hooks: null,
      annotations: undefined,
      process: processOf({ env: null, user: { uid: null }, capabilities: null, apparmorProfile: '', selinuxLabel: '' }),
      mounts: [{ destination: '/a', type: '', source: '/b', options: ['bind'], uidMappings: null }],
      linux: {
        namespaces: [{ type: 'mount', path: '' }],
        devices: null,
        resources: null,
        sysctl: { 'net.core.somaxconn': null },
        cgroupsPath: '',
        rootfsPropagation: '',
        mountLabel: '',
        seccomp: { defaultAction: '', syscalls: null },
      },
    }),
  )
  t.strictSame(loaded, {
    root: { path: 'rootfs' },
    process: { cwd: '/', args: ['sh'], user: {} },
    mounts: [{ destination: '/a', source: '/b', options: ['bind'] }],
    linux: { namespaces: [{ type: 'mount' }], sysctl: {} },
  })
  t.strictSame(await problems(config({ process: processOf({ args: null }) })), ['/process/args: is missing'])
  t.strictSame(await problems(config({ process: null })), ['/process: is missing'])
})

t.test('an empty filter with syscalls is not "no filter"', async (t) => {
  const seccomp = { defaultAction: '', syscalls: [{ names: ['read'], action: 'SCMP_ACT_ERRNO' }] }
  t.match(await problems(linux({ seccomp })), [/^\/linux\/seccomp\/defaultAction: unknown seccomp action ""/])
})

t.test('a hostile member name neither sets a prototype nor passes for a member', async (t) => {
  const loaded = await loadConfig(`{
    "__proto__": {"polluted": true}, "constructor": 1, "toString": [],
    "annotations": {"constructor": "c", "a": "b"},
    "linux": {"__proto__": {"polluted": true}, "netDevices": {}},
    "root": {"path": "rootfs"}, "process": {"cwd": "/", "args": ["sh"], "__proto__": {"polluted": true}}
  }`)
  t.strictSame(loaded, {
    annotations: { constructor: 'c', a: 'b' },
    linux: { netDevices: {} },
    root: { path: 'rootfs' },
    process: { cwd: '/', args: ['sh'] },
  })
  t.notOk('polluted' in loaded || 'polluted' in loaded.process || 'polluted' in {})
})

t.test('the value that is parsed is not changed', async (t) => {
  const value = config({
    hooks: null,
    mounts: [{ destination: 'a/../b', type: 'tmpfs' }],
    linux: { namespaces: [{ type: 'mount' }] },
  })
  const before = structuredClone(value)
  const loaded = await parseConfig(value)
  t.strictSame(value, before)
  t.equal(loaded.mounts?.[0]?.destination, '/b')
})

t.test('long values are cut in messages', async (t) => {
  const [problem = ''] = await problems(linux({ namespaces: [{ type: 'x'.repeat(10_000) }] }))
  t.ok(problem.length < 300, problem)
})
t.test('problems of several rules are reported at once, in one line', async (t) => {
  await t.rejects(parseConfig(config({ hostname: 'a', process: processOf({ cwd: 'b' }) })), {
    code: 'ERR_TSRUN_CONFIG',
    message:
      'invalid config.json: /process/cwd: must be an absolute path, found "b"; ' +
      '/hostname: unable to set hostname without a private UTS namespace',
  })
})

t.test('a member of a map is never dropped in silence, whatever its name', async (t) => {
  const text = `{"annotations": {"__proto__": "polluted"}, "linux": {
    "sysctl": {"__proto__": "1"}, "netDevices": {"__proto__": {}},
    "resources": {"unified": {"__proto__": "1"}, "rdma": {"__proto__": {}}, "pids": {"limit": -2.5}}},
    "root": {"path": "r"}, "process": {"cwd": "/", "args": ["a"]}}`
  const names = [
    '/annotations',
    '/linux/sysctl',
    '/linux/netDevices',
    '/linux/resources/unified',
    '/linux/resources/rdma',
  ]
  for (const name of names)
    await t.rejects(loadConfig(text), { message: `${name}/__proto__: no member may have this name` })
  await t.rejects(loadConfig(text), { message: '/linux/resources/pids/limit' })
  t.notOk('polluted' in {})
})

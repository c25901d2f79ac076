// Runs the test lanes. usage: node scripts/test.mjs [--quick] [LANE ...] [FILE ...]     (default: every lane this host can run)
// --quick: without what installs container engines or a browser, or fetches a virtual machine's packages.
// A lane is a folder of test/; its compiled files are run by tap. The last line is
// `N passed, N failed, N skipped`, counted in tests (`t.test` at the top of a file, or a bare assertion there).
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fetchEngines } from './newest-engines.mjs'
import { Failure, isMain, root, script } from './process.mjs'
import { setUp } from './setup.mjs'
import { filesBelow } from './stamp.mjs'
import { reasonAgainstMachines, runMachines } from './test-vm.mjs'

const isRoot = process.getuid() === 0
const needsRoot = isRoot ? undefined : 'needs root'

/** Why container engines cannot be tested here. */
function needsOfEngines() {
  if (!existsSync('/etc/debian_version')) return "needs the engines that are Debian's packages"
  const { status } = spawnSync('unshare', ['--net', '--mount', '--propagation', 'private', 'true'])
  return status === 0 ? undefined : 'needs network and mount namespaces'
}

/**
 * `jobs`: files at a time; `tools`: what scripts/tools.mjs installs for it; `unavailable`: why this host cannot run it;
 * `timeout`: seconds for one file, where not those of .taprc (with `ROUNDS` the soak's); `comments`: what its tests tell is printed;
 * `costs`: what it does to this machine beside testing; `machines`: it runs in virtual machines, with files of other lanes too;
 * `folder`: where its files are, if not in that of its name; `sample`: its files in a run of all lanes, if not all;
 * `environment`: variables of its tests, made when it is run.
 */
const lanes = {
  unit: { jobs: 2, tools: [] },
  // The files of a release, arm64 among them. An ordinary user tests what is there.
  native: { jobs: 1, tools: isRoot ? ['release'] : [] },
  integration: { jobs: 2, tools: ['test'], unavailable: needsRoot },
  security: { jobs: 1, tools: ['test'], unavailable: needsRoot },
  // A hundred containers in a row take their time on a machine that has other work.
  engines: {
    jobs: 2,
    tools: ['test', 'engines'],
    timeout: 900,
    unavailable: needsRoot ?? needsOfEngines(),
    costs: 'installs Docker, containerd, podman and buildah with the package manager',
  },
  // The same files as `engines`; unless it is asked for by name, only some of them.
  'engines-new': {
    jobs: 2,
    tools: ['test'],
    timeout: 900,
    folder: 'engines',
    sample: ['docker-run', 'docker-images', 'containerd-cri', 'podman', 'checkpoint', 'swarm'],
    unavailable: needsRoot ?? needsOfEngines(),
    environment: () => ({ ENGINES_ROOT: fetchEngines() }),
    costs: 'fetches the engines of Debian sid (220 MB) once, into ~/.cache/tsrun-engines',
  },
  vm: {
    jobs: 1,
    tools: ['test', 'engines'],
    unavailable: reasonAgainstMachines(),
    machines: true,
    costs: 'installs engines, and fetches packages of 860 MB once into ~/.cache/tsrun-vm, and the engines of sid',
  },
  browser: {
    jobs: 1,
    tools: ['test', 'browser'],
    timeout: 900,
    unavailable: needsRoot,
    costs: 'installs Chromium with the package manager',
  },
  // Hours: only when it is asked for (npm run test:soak).
  soak: { jobs: 1, tools: ['test'], timeout: 86_400, comments: true, unavailable: 'takes hours: npm run test:soak' },
}

async function main(all) {
  const quick = all.includes('--quick')
  const args = all.filter((arg) => arg !== '--quick')
  const unknown = args.find((arg) => !Object.hasOwn(lanes, arg) && !existsSync(join(root, arg)))
  if (unknown !== undefined) {
    console.error(`unknown lane or file ${unknown}: ${Object.keys(lanes).join(', ')}`)
    return 2
  }
  const runs = plan(args).map((run) => (quick && run.costs ? { ...run, reason: 'left out by --quick' } : run))
  for (const { name, costs, reason } of runs)
    if (costs && !reason) console.log(`${name}: ${costs} (npm test -- --quick leaves it out)`)
  setUp('test', { tools: [...new Set(runs.filter(({ reason }) => !reason).flatMap(({ tools }) => tools))] })
  // Only now: it needs the npm packages that the set-up installs.
  const { runLane } = await import('./test-lane.mjs')
  const total = { passed: 0, failed: 0, skipped: 0 }
  for (const { name, files, jobs, timeout, comments, reason, machines, environment } of runs) {
    const [env, missing = reason] = reason ? [] : variables(environment, { required: args.includes(name) })
    if (missing) {
      console.log(`\n${name}: not run (${missing})`)
      continue
    }
    const counts = machines
      ? await runMachines({ sample: args.length === 0 })
      : await runLane({ name, files: files(), jobs, timeout, comments, env })
    for (const key of Object.keys(total)) total[key] += counts[key]
  }
  if (total.passed === 0) total.failed++
  console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
  return total.failed === 0 ? 0 : 1
}

/** The variables of a lane, or why they cannot be had; unless it was asked for, that only leaves it out. */
function variables(make, { required }) {
  try {
    return [make?.()]
  } catch (error) {
    if (required || !(error instanceof Failure)) throw error
    return [undefined, error.message]
  }
}

/** The lanes and single files that were asked for. A lane that is asked for by name is run in any case. */
function plan(args) {
  const names = args.filter((arg) => Object.hasOwn(lanes, arg))
  const single = args.filter((arg) => !names.includes(arg)).map((file) => compiled(file))
  const chosen = args.length === 0 ? Object.keys(lanes) : names
  const runs = chosen.map((name) => ({
    name,
    // Only when it is run: the set-up compiles the tests.
    files: () => testFiles(lanes[name].folder ?? name, args.length === 0 ? lanes[name].sample : undefined),
    jobs: lanes[name].jobs,
    timeout: process.env.ROUNDS === undefined ? lanes[name].timeout : lanes.soak.timeout,
    comments: lanes[name].comments ?? process.env.ROUNDS !== undefined,
    machines: lanes[name].machines,
    environment: lanes[name].environment,
    costs: lanes[name].costs,
    tools: lanes[name].tools,
    reason: args.length === 0 ? lanes[name].unavailable : undefined,
  }))
  if (single.length === 0) return runs
  const long = process.env.ROUNDS !== undefined || single.some((file) => file.startsWith('build/test/soak/'))
  const { timeout, comments } = long ? lanes.soak : {}
  return [...runs, { name: 'files', files: () => single, jobs: 1, tools: ['test'], timeout, comments }]
}

const compiled = (file) => join('build', relative(root, join(root, file))).replace(/\.ts$/, '.js')

/** The test files of a folder; `sample`: only these. */
function testFiles(folder, sample) {
  return filesBelow(`build/test/${folder}`)
    .filter((file) => file.endsWith('.test.js'))
    .filter((file) => !sample || sample.some((name) => file.endsWith(`/${name}.test.js`)))
    .map((file) => relative(root, file))
}

if (isMain(import.meta.url)) await script(main)

/** A new user on a Debian that has nothing else (debootstrap, no network): apt installs the package, it works, apt removes it. */
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { requires } from '../helpers/requires.js'
import { projectRoot } from '../helpers/tools.js'

const { fetchDebianRoot, reasonAgainstDebianRoot } = (await import(join(projectRoot, 'scripts/debian-root.mjs'))) as {
  readonly fetchDebianRoot: () => string
  readonly reasonAgainstDebianRoot: () => string | undefined
}
const skip = reasonAgainstDebianRoot() ?? requires('static', 'overlay')

const folder = mkdtempSync(join(tmpdir(), 'tsrun-debian-root-test-'))
t.teardown(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** The clean root with changes in memory, without a network, in namespaces that end with the script `$4` inside. */
const enter = `
  mount -t tmpfs tmpfs "$1" && mkdir "$1/upper" "$1/work" "$1/root"
  mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" debian "$1/root"
  cd "$1/root"
  mount -t proc proc proc && mount --rbind /sys sys && mount --rbind /dev dev && mount -t tmpfs tmpfs run
  cp "$3" root/tsrun.deb
  exec chroot . /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive /bin/sh -euc "$4"`

/** What a user types; each line that is looked at begins with a word of its own. */
const session = `
  cd /root
  echo before $(find / -xdev -name '*tsrun*' -not -path '/root/*' | wc -l)
  apt-get install -y ./tsrun.deb >/root/log 2>&1 || { cat /root/log; exit 1; }
  echo needs $(grep -c '^Setting up' /root/log)
  tsrun --version | head -n 1
  for page in tsrun tsrun-run; do gzip -dc /usr/share/man/man8/$page.8.gz | grep -c '^[.]SH' >/dev/null && echo manual $page; done
  bash -c 'source /usr/share/bash-completion/completions/tsrun && complete -p tsrun' | sed 's/^/completion /'
  ls /usr/share/zsh/vendor-completions/_tsrun /usr/share/fish/vendor_completions.d/tsrun.fish
  grep -c '^License: Apache-2.0' /usr/share/doc/tsrun/copyright | sed 's/^/licence /'
  dpkg --verify tsrun && echo verified
  mkdir -p bundle/rootfs
  for file in /bin/sh $(ldd /bin/sh | grep -o '/[^ ]*'); do cp --parents -L $file bundle/rootfs; done
  tsrun spec --bundle bundle
  sed -i 's/"terminal": true/"terminal": false/; s/"sh"$/"sh", "-c", "echo ran as process $$"/' bundle/config.json
  tsrun run --bundle bundle "$(cat /proc/sys/kernel/random/uuid)"
  tsrun doctor --json | grep -A 1 '"name": "a container"' | grep -c '"state": "ok"' >/dev/null && echo doctor ran a container
  apt-get purge -y tsrun >/root/log 2>&1 || { cat /root/log; exit 1; }
  echo after $(find / -xdev -name '*tsrun*' -not -path '/root/*' -not -path '/run/*' | wc -l)`

t.test('apt installs the package, a container runs from it, and apt takes all of it away', { skip }, (t: Test) => {
  execFileSync(process.execPath, [join(projectRoot, 'scripts/release.mjs'), join(folder, 'release'), process.arch], {
    stdio: 'pipe',
    timeout: 300_000,
  })
  const deb = readdirSync(join(folder, 'release')).find((name) => name.endsWith('.deb')) ?? ''
  copyFileSync(join(folder, 'release', deb), join(folder, 'tsrun.deb'))
  const [place, root] = [mkdtempSync(join(folder, 'root-')), fetchDebianRoot()]
  const args = ['--mount', '--net', '--propagation', 'private']
  const script = ['sh', '-euc', enter, 'sh', place, root, join(folder, 'tsrun.deb'), session]
  const { status, stdout, stderr } = spawnSync('unshare', [...args, ...script], { encoding: 'utf8', timeout: 120_000 })
  t.comment(stdout)
  t.equal(stderr, '')
  t.equal(status, 0)
  for (const line of [
    /^before 0$/m,
    /^needs 1$/m,
    /^tsrun version /m,
    /^manual tsrun$/m,
    /^manual tsrun-run$/m,
    /^completion complete .*tsrun/m,
    /^\/usr\/share\/zsh\/vendor-completions\/_tsrun$/m,
    /^licence 1$/m,
    /^verified$/m,
    /^ran as process 1$/m,
    /^doctor ran a container$/m,
    /^after 0$/m,
  ])
    t.match(stdout, line)
  t.end()
})

/** What doctor says to install, typed as it is printed, with apt's answer to its question. */
const installing = `
  cd /root
  cp tsrun.bin /usr/bin/tsrun
  tsrun doctor --json > before || :
  grep -o '"sudo apt-get install [a-z0-9-]*"' before | tr -d '"' | sort -u > commands
  sed 's/^/says /' commands
  apt-get update -qq
  sed 's/^sudo apt-get install/apt-get install -y -qq --no-install-recommends/' commands > script
  sh -eu script >log 2>&1 || { cat log; exit 1; }
  tsrun doctor --json > after || :
  for name in criu ps 'newuidmap, newgidmap'; do grep -A 1 "\\"name\\": \\"$name\\"" after | grep -q '"state": "ok"' && echo now $name; done`

t.test('what doctor says to install is what it then finds', { skip }, (t: Test) => {
  const [place, root] = [mkdtempSync(join(folder, 'root-')), fetchDebianRoot()]
  const before = enter.replace(
    'cp "$3" root/tsrun.deb',
    'cp "$3" root/tsrun.bin; cp /etc/resolv.conf etc; cp /etc/hosts etc',
  )
  const script = ['sh', '-euc', before, 'sh', place, root, join(projectRoot, 'dist/tsrun'), installing]
  const args = ['--mount', '--propagation', 'private', ...script]
  const { status, stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8', timeout: 300_000 })
  t.equal(status, 0, stderr)
  for (const name of ['criu', 'procps', 'uidmap'])
    t.match(stdout, new RegExp(`^says sudo apt-get install ${name}$`, 'm'))
  for (const name of ['criu', 'ps', 'newuidmap, newgidmap']) t.match(stdout, new RegExp(`^now ${name}$`, 'm'))
  t.end()
})

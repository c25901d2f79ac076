// The container engines of Debian sid in a root directory of their own, in a cache for all checkouts: the tests of
// test/engines run in it when ENGINES_ROOT names it. No package is installed, so nothing of this host changes.
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fetchWithDependencies, reasonAgainstPackages } from './apt.mjs'
import { Failure, isMain, output, script } from './process.mjs'

/** The engines, what they call, and what the tests call. */
const packages =
  'docker.io docker-cli docker-buildx docker-compose docker-registry containerd containernetworking-plugins podman buildah conmon netavark aardvark-dns catatonit fuse-overlayfs passt slirp4netns runc crun criu tini iptables nftables iproute2 base-files base-passwd bash dash coreutils mount util-linux grep sed tar gzip xz-utils findutils kmod procps passwd uidmap login busybox-static libc-bin debianutils diffutils mawk tmux'.split(
    ' ',
  )

/** What installing the system would have made: files, links of update-alternatives, and the loader's cache. */
const files = {
  'etc/passwd': 'root:x:0:0::/root:/bin/sh\n',
  'etc/group': 'root:x:0:\n',
  'etc/hosts': '127.0.0.1 localhost\n',
  'etc/hostname': 'machine\n',
  'etc/resolv.conf': '',
  'etc/subuid': '',
  'etc/subgid': '',
}
const alternatives = {
  'usr/sbin/iptables': 'iptables-nft',
  'usr/sbin/iptables-save': 'iptables-nft-save',
  'usr/sbin/iptables-restore': 'iptables-nft-restore',
  'usr/sbin/ip6tables': 'ip6tables-nft',
  'usr/sbin/ip6tables-save': 'ip6tables-nft-save',
  'usr/sbin/ip6tables-restore': 'ip6tables-nft-restore',
  'usr/bin/awk': 'mawk',
}

/** The root directory. @throws Failure where it cannot be had */
export function fetchEngines() {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tsrun-engines')
  const root = join(cache, 'sid')
  if (existsSync(root)) return root
  const reason = reasonAgainstPackages()
  if (reason) throw new Failure(reason)
  mkdirSync(cache, { recursive: true })
  // Under its own name only when it is whole.
  const unfinished = join(cache, 'unfinished')
  rmSync(unfinished, { recursive: true, force: true })
  fetchWithDependencies(packages, 'sid', unfinished)
  for (const [link, target] of Object.entries(alternatives)) symlinkSync(target, join(unfinished, link))
  for (const [file, text] of Object.entries(files)) writeFileSync(join(unfinished, file), text)
  output('chroot', [unfinished, 'ldconfig'])
  renameSync(unfinished, root)
  return root
}

if (isMain(import.meta.url)) await script(() => console.log(fetchEngines()))

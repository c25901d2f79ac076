/** Command line: flags of `docker run` that `run --image` has not, each with what is to be done instead. */

const noNetwork =
  'there is no bridge here: a container has a network with nothing in it, or with --network host that of the host'
const noDaemon = 'nobody watches over containers here: that is for systemd, or for an engine above tsrun'
const byConfig = (member: string): string =>
  `tsrun bundle create IMAGE DIR, then ${member} in its config.json, and tsrun run --bundle DIR ID`
const byUpdate = (flag: string): string => `with --detach, then tsrun update ${flag} ID`

/** Patterns of names, each with its reason. */
export const dockerFlags: readonly (readonly [RegExp, string])[] = [
  [/^(p|publish|P|publish-all|expose|link|link-local-ip|ip6?|mac-address|net-alias|network-alias)$/, noNetwork],
  [/^net$/, 'it is --network'],
  [/^(dns|dns-search|dns-opt|dns-option|add-host)$/, 'show a file of your own: -v ./resolv.conf:/etc/resolv.conf:ro'],
  [
    /^privileged$/,
    'each power has its own flag: --cap-add ALL --security-opt seccomp=unconfined --security-opt systempaths=unconfined',
  ],
  [/^(device|gpus|device-cgroup-rule)$/, byConfig('linux.devices and linux.resources.devices')],
  [/^(device-(read|write)-(bps|iops)|blkio-weight-device)$/, byConfig('linux.resources.blockIO')],
  [/^(cpu-period|cpu-quota|cpu-rt-period|cpu-rt-runtime|blkio-weight)$/, `--cpus, or ${byUpdate('--cpu-quota N')}`],
  [/^(memory-swappiness|oom-kill-disable|kernel-memory)$/, byConfig('linux.resources.memory')],
  [/^cgroup-parent$/, byConfig('linux.cgroupsPath')],
  [/^userns$/, 'for root it is the user namespace of the caller, for others one with their subordinate ids'],
  [/^(restart|health-.*|no-healthcheck)$/, noDaemon],
  [/^(log-driver|log-opt)$/, 'the output is that of tsrun: redirect it, or let systemd take it'],
  [/^(stop-signal|stop-timeout)$/, 'tsrun kill ID SIGNAL says which'],
  [/^(a|attach|detach-keys|sig-proxy)$/, 'in the foreground all streams and signals are passed on'],
  [/^init$/, 'tsrun brings no program into a container: name one of the image as --entrypoint'],
  [/^(volumes-from|volume-driver|storage-opt)$/, 'there are no volumes but directories of the host: -v /DIR:/PATH'],
  [/^cidfile$/, '--name says the id'],
  [/^label-file$/, '--label, once for each'],
  [/^platform$/, 'tsrun image pull --platform, then run'],
  [/^(runtime|isolation|disable-content-trust|use-api-socket)$/, 'it is of engines: tsrun is the runtime'],
  [/^(q|quiet)$/, 'nothing is said but errors, and on a terminal how far a download is'],
]

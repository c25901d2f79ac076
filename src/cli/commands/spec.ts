/** `tsrun spec`. */
import { exampleConfig, probeHost, UsageError } from '../../core.js'
import { hasErrno, openFlag, processIds, writeFile } from '../../native/binding.js'
import { defineCommand } from '../command.js'
import { bundleOption } from '../options.js'

/** O_EXCL of open(2): an existing file is left as it is. */
const exclusive = 0o200

/** Writes a config.json to start from. */
export const command = defineCommand({
  name: 'spec',
  description: 'Writes a config.json that runs a shell in the root file system "rootfs".',
  options: [
    bundleOption,
    {
      name: 'config',
      short: 'f',
      kind: 'string',
      value: 'FILE',
      description: 'file to write instead of the config.json of the bundle',
    },
    { name: 'rootless', kind: 'boolean', description: 'for a user who is not root: with a user namespace' },
  ],
  arguments: [],
  run({ options: { bundle = '.', config = `${bundle}/config.json`, rootless } }) {
    const { euid, egid } = processIds()
    const cgroupNamespace = probeHost({ apparmor: false, selinux: false }).cgroup.mode === 'v2'
    const text = JSON.stringify(exampleConfig({ rootless, cgroupNamespace, uid: euid, gid: egid }), undefined, '\t')
    try {
      writeFile(config, `${text}\n`, openFlag.write | openFlag.create | exclusive, 0o666)
    } catch (error) {
      if (!hasErrno(error, 'EEXIST')) throw error
      throw new UsageError(`File ${config.slice(config.lastIndexOf('/') + 1)} exists. Remove it first`)
    }
    return 0
  },
})

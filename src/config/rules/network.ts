/** Stage 1, config: rules for the network devices of the container (config-linux.md "Network devices"). */
import { duplicates, hasNamespace, type Rule } from './rule.js'

/** In the runtime's own namespace the devices are already. */
export const netDevicesNeedNetworkNamespace: Rule = (config, report) => {
  if (Object.keys(config.linux?.netDevices ?? {}).length === 0) return
  if (!hasNamespace(config, 'network')) report(['linux', 'netDevices'], 'needs a network namespace')
}

/** IFNAMSIZ of the kernel, without the NUL. */
const longestName = 15

/** What dev_valid_name() of the kernel takes; `%` makes it choose a number in the name's place. */
function isDeviceName(name: string): boolean {
  const size = new TextEncoder().encode(name).length
  return size > 0 && size <= longestName && name !== '.' && name !== '..' && !/[/:%\s]/.test(name)
}

const nameProblem = (name: string): string =>
  `${JSON.stringify(name)} is not the name of a network device: 1 to ${longestName} bytes without "/", ":", "%" and blanks`

/** Both names of each device. */
export const netDevicesHaveNames: Rule = (config, report) => {
  for (const [key, { name }] of Object.entries(config.linux?.netDevices ?? {})) {
    const at = ['linux', 'netDevices', key]
    if (!isDeviceName(key)) report(at, nameProblem(key))
    if (name !== undefined && !isDeviceName(name)) report([...at, 'name'], nameProblem(name))
  }
}

/** The second of two could not be moved, when the first one is there already. */
export const netDevicesHaveNamesOfTheirOwn: Rule = (config, report) => {
  const devices = Object.entries(config.linux?.netDevices ?? {})
  for (const { index, first } of duplicates(devices, ([key, { name }]) => name ?? key)) {
    const [key = '', device] = devices[index] ?? []
    const other = JSON.stringify(devices[first]?.[0] ?? '')
    report(
      ['linux', 'netDevices', key, ...(device?.name === undefined ? [] : ['name'])],
      `is the name in the container of network device ${other} too`,
    )
  }
}

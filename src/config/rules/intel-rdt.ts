/** Stage 1, config: rules for the resource groups of the Intel resource director (config-linux.md "IntelRdt"). */
import type { Rule } from './rule.js'

/** What resctrl itself has in each directory, and no group can be called. */
const taken = ['.', '..', 'info', 'mon_data', 'mon_groups']

/** A group is a directory right below the mount point; `/` stands for the mount point itself. */
export const closIdIsGroup: Rule = (config, report) => {
  const closID = config.linux?.intelRdt?.closID
  if (closID === undefined || closID === '/') return
  if (!/[/\n]/.test(closID) && !taken.includes(closID)) return
  report(['linux', 'intelRdt', 'closID'], `${JSON.stringify(closID)} is not the name of a group`)
}

/** config-linux.md: one line each; a line more could take back what another member asks for. */
export const schemataAreLines: Rule = (config, report) => {
  const { memBwSchema, schemata = [] } = config.linux?.intelRdt ?? {}
  const at = ['linux', 'intelRdt']
  if (memBwSchema !== undefined && !/^MB:[^\n]*$/.test(memBwSchema)) {
    report([...at, 'memBwSchema'], `must be one line that begins with "MB:", found ${JSON.stringify(memBwSchema)}`)
  }
  schemata.forEach((line, index) => {
    if (line.includes('\n')) report([...at, 'schemata', index], 'must be one line')
  })
}

import t from 'tap'
import { mountPointOf } from '#dist/host/facts.js'
import { parseMountinfo } from '#dist/host/mountinfo.js'

t.test('resctrl is found by its type, wherever it is mounted', (t) => {
  const resctrl = (mountinfo: string): string | undefined => mountPointOf('resctrl', parseMountinfo(mountinfo))
  const before = '22 1 0:20 / /sys rw - sysfs sysfs rw\n23 22 0:21 / /resctrl rw - tmpfs resctrl rw\n'
  t.equal(resctrl(before), undefined)
  const line = (point: string): string => `24 22 0:22 / ${point} rw,relatime shared:9 - resctrl resctrl rw\n`
  t.equal(resctrl(`${before}${line('/sys/fs/resctrl')}${line('/other')}`), '/sys/fs/resctrl')
  t.equal(resctrl(line('/with\\040blank')), '/with blank')
  t.end()
})

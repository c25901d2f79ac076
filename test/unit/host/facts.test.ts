import t from 'tap'
import { parseResctrlMount } from '#dist/host/facts.js'

t.test('resctrl is found by its type, wherever it is mounted', (t) => {
  const before = '22 1 0:20 / /sys rw - sysfs sysfs rw\n23 22 0:21 / /resctrl rw - tmpfs resctrl rw\n'
  t.equal(parseResctrlMount(before), undefined)
  const line = (point: string): string => `24 22 0:22 / ${point} rw,relatime shared:9 - resctrl resctrl rw\n`
  t.equal(parseResctrlMount(`${before}${line('/sys/fs/resctrl')}${line('/other')}`), '/sys/fs/resctrl')
  t.equal(parseResctrlMount(line('/with\\040blank')), '/with blank')
  t.end()
})

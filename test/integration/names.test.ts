/** config.json: hostname and domainname. */
import { hostname } from 'node:os'
import { dropNamespace } from '../helpers/config.js'
import { test } from '../helpers/test.js'

test('hostname is set in the container alone', (t, scope) => {
  const before = hostname()
  t.equal(scope.probe((config) => void (config.hostname = 'inside')).hostname, 'inside')
  t.equal(hostname(), before)
})

test('domainname is set in the container alone', (t, scope) => {
  const report = scope.probe((config) => {
    config.domainname = 'example.org'
  })
  t.equal(report.domainname, 'example.org')
  t.not(scope.probe().domainname, 'example.org')
})

test('a name without a UTS namespace would be the host’s, so it is refused', (t, scope) => {
  const container = scope.container((config) => {
    config.hostname = 'inside'
    dropNamespace(config, 'uts')
  })
  t.match(container.run(), { status: 1, stderr: /unable to set hostname without a private UTS namespace/ })
})

test('a name that is too long for the kernel is an error', (t, scope) => {
  const container = scope.container((config) => {
    config.hostname = 'x'.repeat(65)
  })
  const { status, stderr } = container.run()
  t.equal(status, 1)
  t.match(stderr, /sethostname|host ?name/)
  t.same(scope.leftovers(), [])
})

import t from 'tap'
import { config, type Json, linux, problems } from './support.js'

const resources = (members: Json) => linux({ resources: members })
const bind = (members: Json) => linux({}, { mounts: [{ destination: '/a', source: '/b', ...members }] })

const accepted: readonly Json[] = [
  config({ linux: {} }),
  linux({ uidMappings: [], gidMappings: [], netDevices: {}, resources: {} }),
  linux({ netDevices: null, intelRdt: null, memoryPolicy: null, resources: null }),
  bind({ options: ['bind'], uidMappings: [], gidMappings: [] }),
  resources({ devices: [] }),
  resources({ devices: [{ allow: true, type: 'c', major: 1, minor: -1, access: 'rw' }] }),
  resources({ devices: [{ allow: false, access: 'rwm' }] }),
  resources({ devices: [{ allow: false, type: 'a', major: -1, minor: -1, access: 'rwm' }] }),
]

t.test('members that ask for nothing are accepted', async (t) => {
  for (const value of accepted) t.strictSame(await problems(value), [], JSON.stringify(value))
})

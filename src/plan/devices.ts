/** Stage 2, plan: device nodes of the container and the links in /dev. */
import { cleanPath } from '../config/paths.js'
import type { Device, Linux } from '../config/types.js'
import { deviceType } from '../config/vocabulary/linux.js'
import type { Step } from './steps.js'

const defaultMode = 0o666

/** config-linux.md "Default Devices"; /dev/console and /dev/ptmx are not nodes but mounts and links. */
const defaultDevices: readonly Device[] = [
  { type: 'c', path: '/dev/null', major: 1, minor: 3 },
  { type: 'c', path: '/dev/zero', major: 1, minor: 5 },
  { type: 'c', path: '/dev/full', major: 1, minor: 7 },
  { type: 'c', path: '/dev/random', major: 1, minor: 8 },
  { type: 'c', path: '/dev/urandom', major: 1, minor: 9 },
  { type: 'c', path: '/dev/tty', major: 5, minor: 0 },
]

/** runtime-linux.md "Dev symbolic links", and /dev/ptmx of config-linux.md "Default Devices". */
const links: readonly (readonly [path: string, target: string])[] = [
  ['/dev/fd', '/proc/self/fd'],
  ['/dev/stdin', '/proc/self/fd/0'],
  ['/dev/stdout', '/proc/self/fd/1'],
  ['/dev/stderr', '/proc/self/fd/2'],
  ['/dev/core', '/proc/kcore'],
  ['/dev/ptmx', 'pts/ptmx'],
]

/** The default devices, those of linux.devices (which replace a default one of the same path), and the links. */
export function planDevices(linux: Linux | undefined): Step[] {
  const devices = new Map<string, Device>()
  for (const device of [...defaultDevices, ...(linux?.devices ?? [])]) devices.set(cleanPath(device.path), device)
  // The container's multiplexer is the one of its own devpts: see the links.
  devices.delete('/dev/ptmx')
  return [
    ...Array.from(devices, ([path, device]) => deviceStep(path, device)),
    ...links.map(([path, target]): Step => ({ op: 'symlink', path, target })),
  ]
}

function deviceStep(path: string, device: Device): Step {
  return {
    op: 'device',
    path,
    type: deviceType[device.type],
    major: device.major ?? 0,
    minor: device.minor ?? 0,
    mode: (device.fileMode ?? defaultMode) & 0o7777,
    uid: device.uid ?? 0,
    gid: device.gid ?? 0,
  }
}

/** Stage 2, plan: the io controller, blkio in v1 (config-linux.md "Block IO"). */
import type { BlockIOResources, BlockIOThrottle } from '../../config/types.js'
import { type ControllerPlanner, isSet, notOnUnified, type Write } from './values.js'

/** Weights and throttles. */
export const planBlockIO: ControllerPlanner = ({ blockIO }, version) => {
  if (blockIO === undefined) return []
  return version === 2 ? unifiedIO(blockIO) : legacyIO(blockIO)
}

/** From 10…1000 to 1…10000. */
const wideWeight = (weight: number): number => 1 + Math.floor(((weight - 10) * 9999) / 990)

/** The bfq scheduler has weights of its own; without it io.weight counts. */
function unifiedWeight(weight: number, device: string): Write {
  const value = (number: number): string => `${device}${number}`
  const otherwise = { file: 'io.weight', value: value(wideWeight(weight)) }
  return { file: 'io.bfq.weight', value: value(weight), otherwise }
}

function unifiedIO(io: BlockIOResources): Write[] {
  const refuseLeaf = (path: string): never => {
    throw notOnUnified(path, 'only leaves have processes')
  }
  if (isSet(io.leafWeight)) refuseLeaf('blockIO.leafWeight')
  io.weightDevice?.forEach(({ leafWeight }, index) => {
    if (isSet(leafWeight)) refuseLeaf(`blockIO.weightDevice.${index}.leafWeight`)
  })
  const writes: Write[] = []
  if (isSet(io.weight)) writes.push(unifiedWeight(io.weight, ''))
  for (const { major, minor, weight } of io.weightDevice ?? []) {
    if (isSet(weight)) writes.push(unifiedWeight(weight, `${major}:${minor} `))
  }
  for (const [list, key] of [
    [io.throttleReadBpsDevice, 'rbps'],
    [io.throttleWriteBpsDevice, 'wbps'],
    [io.throttleReadIOPSDevice, 'riops'],
    [io.throttleWriteIOPSDevice, 'wiops'],
  ] as const) {
    for (const { major, minor, rate } of list ?? []) {
      if (rate === undefined) continue
      // In cgroup v1 a rate of 0 takes the limit away.
      writes.push({ file: 'io.max', value: `${major}:${minor} ${key}=${isSet(rate) ? String(rate) : 'max'}` })
    }
  }
  return writes
}

function legacyIO(io: BlockIOResources): Write[] {
  const writes: Write[] = []
  const put = (file: string, value: string): void => {
    const bfq = file.replace('blkio.', 'blkio.bfq.')
    writes.push({ file, value, otherwise: { file: bfq, value } })
  }
  if (isSet(io.weight)) put('blkio.weight', String(io.weight))
  if (isSet(io.leafWeight)) put('blkio.leaf_weight', String(io.leafWeight))
  for (const { major, minor, weight, leafWeight } of io.weightDevice ?? []) {
    if (isSet(weight)) put('blkio.weight_device', `${major}:${minor} ${weight}`)
    if (isSet(leafWeight)) put('blkio.leaf_weight_device', `${major}:${minor} ${leafWeight}`)
  }
  const throttle = (file: string, list: readonly BlockIOThrottle[] = []): void => {
    for (const { major, minor, rate } of list) {
      if (rate !== undefined) writes.push({ file, value: `${major}:${minor} ${String(rate)}` })
    }
  }
  throttle('blkio.throttle.read_bps_device', io.throttleReadBpsDevice)
  throttle('blkio.throttle.write_bps_device', io.throttleWriteBpsDevice)
  throttle('blkio.throttle.read_iops_device', io.throttleReadIOPSDevice)
  throttle('blkio.throttle.write_iops_device', io.throttleWriteIOPSDevice)
  return writes
}

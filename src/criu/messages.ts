/** CRIU: the messages of its RPC that tsrun sends and reads, by the field numbers of CRIU's images/rpc.proto. */
import type { Schema } from './wire.js'

/** criu_req_type. */
export const requestType = { dump: 1, restore: 2, preDump: 4, notify: 6, featureCheck: 9, version: 10 } as const

/** criu_cg_mode: what CRIU does with cgroups, in the words of --manage-cgroups-mode. */
export const cgroupMode = { ignore: 0, soft: 3, full: 4, strict: 5 } as const

/** Words for what CRIU does with cgroups. */
export type CgroupMode = keyof typeof cgroupMode

const keyValue: Schema = { key: 1, val: 2 }
const features: Schema = { memTrack: 1, lazyPages: 2 }

/** criu_opts. */
const options: Schema = {
  ...{ imagesDirFd: 1, pid: 2, leaveRunning: 3, extUnixSk: 4, tcpEstablished: 5, evasiveDevices: 6, shellJob: 7 },
  ...{ fileLocks: 8, logLevel: 9, logFile: 10, notifyScripts: 12, root: 13, parentImg: 14, trackMem: 15 },
  ...{ autoDedup: 16, workDirFd: 17, linkRemap: 18, manageCgroups: 24, rstSibling: 26, manageCgroupsMode: 34 },
  ...{ external: 37, emptyNs: 38, freezeCgroup: 44, tcpSkipInFlight: 46, lazyPages: 48 },
  ...{ orphanPtsMaster: 50, configFile: 51, lsmProfile: 53, cgroupYard: 60, lsmMountContext: 63 },
  pageServer: [11, { address: 1, port: 2 }],
  extMnt: [23, keyValue],
  cgRoot: [25, { ctrl: 1, path: 2 }],
  inheritFd: [27, { key: 1, fd: 2 }],
  joinNs: [39, { ns: 1, nsFile: 2 }],
}

/** criu_req. */
export const request: Schema = { type: 1, opts: [2, options], notifySuccess: 3, features: [5, features] }

/** criu_resp. */
export const response: Schema = {
  ...{ type: 1, success: 2, errno: 7, errmsg: 9 },
  restore: [4, { pid: 1 }],
  notify: [5, { script: 1, pid: 2 }],
  features: [8, features],
  version: [10, { major: 1, minor: 2, sublevel: 4 }],
}

/** Native: all of it, by subject. */
export { describeFailure, errnoName, hasErrno, packageFolder } from './addon.js'
export * from './files.js'
export * from './processes.js'
export * from './sockets.js'
export * from './poll.js'
export * from './init.js'
export * from './kernel.js'
export * from './images.js'

/** Test helper: bundles with the probe and busybox as their whole root file system. */
import { copyFileSync, existsSync, linkSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { templateConfig, type Change, type TestConfig } from './config.js'
import { cacheFolder, projectRoot, tool } from './tools.js'

/** A bundle on disk. */
export interface Bundle {
  readonly path: string
  readonly rootfs: string
  readonly config: TestConfig
}

const applets =
  'cat chmod cp echo env false head id kill ls mkdir mkfifo mount mv readlink rm rmdir sh sleep stat tee test touch true wc'
const folders = ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'tmp']

/** Our own copy: a container that writes to its busybox must not change the host's. */
function busybox(): string {
  const path = join(cacheFolder, 'busybox')
  if (existsSync(path)) return path
  mkdirSync(cacheFolder, { recursive: true })
  const unfinished = `${path}.${process.pid}`
  copyFileSync('/bin/busybox', unfinished)
  renameSync(unfinished, path)
  return path
}

function put(program: string, path: string): void {
  try {
    linkSync(program, path)
  } catch {
    copyFileSync(program, path) // another file system
  }
}

/** Fills a directory with a root file system. */
export function makeRootfs(rootfs: string): void {
  for (const folder of folders) mkdirSync(join(rootfs, folder), { recursive: true })
  put(busybox(), join(rootfs, 'bin/busybox'))
  put(tool('probe'), join(rootfs, 'probe'))
  for (const applet of applets.split(' ')) symlinkSync('busybox', join(rootfs, 'bin', applet))
}

/** Makes a bundle in a directory that does not exist yet. */
export function makeBundle(path: string, change: Change = () => undefined): Bundle {
  const rootfs = join(path, 'rootfs')
  makeRootfs(rootfs)
  const config = templateConfig()
  change(config)
  const bundle = { path, rootfs, config }
  writeConfig(bundle)
  return bundle
}

/** Writes config.json again, after the config was changed. 64-bit numbers come as bigint. */
export function writeConfig({ path, config }: Bundle): void {
  const text = JSON.stringify(config, (_, value: unknown) => (typeof value === 'bigint' ? `bigint:${value}` : value))
  writeFileSync(join(path, 'config.json'), text.replace(/"bigint:(-?\d+)"/g, '$1'))
}

/** Path of a file among the test data. */
export const testData = (name: string): string => join(projectRoot, 'test/data', name)

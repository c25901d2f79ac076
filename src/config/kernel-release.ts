/** Stage 1, config: releases of the kernel, as uname(2) has them. Pure. */

/** True when a release (`6.1.0-18-amd64`) is a version (`6.1`) or a later one. */
export function isKernelSince(release: string, version: string): boolean {
  const [[major = 0, minor = 0] = [], [sinceMajor = 0, sinceMinor = 0] = []] = [release, version].map((text) =>
    text.split(/[.-]/).map(Number),
  )
  return major > sinceMajor || (major === sinceMajor && minor >= sinceMinor)
}

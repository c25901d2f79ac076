/** Stage 1, config: lexical treatment of container paths. Nothing here looks at a file system. */

/**
 * The absolute path without `.`, `..`, empty components and a final slash. A relative one counts from
 * `/` (config.md "Mounts": for compatibility), and `..` at the top is the top.
 */
export function cleanPath(path: string): string {
  // Nearly all are clean already, and each mount asks four times.
  if (path.startsWith('/') && !path.includes('//') && !path.includes('/.') && (!path.endsWith('/') || path === '/'))
    return path
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}

/** Command line: mounts as `docker run` writes them: --volume, --mount and --tmpfs. */
import { type Mount, parseSize, UsageError } from '../core.js'
import { fileInfo, realPath } from '../native/binding.js'

/** The path of a flag, which is one of the container. @throws UsageError */
export function absolute(flag: string, path: string): string {
  if (path.startsWith('/')) return path
  throw new UsageError(`invalid value for ${flag}: ${JSON.stringify(path)} is not absolute`)
}

const propagation = /^r?(private|shared|slave)$/

/** `SOURCE:PATH[:OPTIONS]`; a source that is no path would be a volume of an engine. @throws UsageError, SyscallError */
export function bindMount(text: string): Mount {
  const [source = '', path = '', options = '', ...more] = text.split(':')
  if (path === '' || more.length > 0 || !/^[./]/.test(source))
    throw new UsageError(
      `invalid value for --volume: ${JSON.stringify(text)}: SOURCE:PATH[:ro], SOURCE begins with / or .`,
    )
  const given = options === '' ? [] : options.split(',')
  return {
    ...{ destination: absolute('--volume', path), type: 'bind', source: realPath(source) },
    options: ['rbind', ...(given.some((one) => propagation.test(one)) ? [] : ['rprivate']), ...given],
  }
}

/** `PATH[:OPTIONS]`. @throws UsageError */
export function tmpfsMount(text: string): Mount {
  const [path = '', options = ''] = text.split(':')
  return tmpfs(absolute('--tmpfs', path), options === '' ? [] : options.split(','))
}

const tmpfs = (destination: string, options: readonly string[]): Mount => ({
  ...{ destination, type: 'tmpfs', source: 'tmpfs' },
  options: ['nosuid', 'nodev', 'noexec', ...options],
})

/** `type=bind|tmpfs,source=PATH,target=PATH,…` in Docker's words. @throws UsageError, SyscallError */
export function mountOf(text: string): Mount {
  const bad = (why: string): UsageError => new UsageError(`invalid value for --mount: ${JSON.stringify(text)}: ${why}`)
  const fields = new Map(
    text.split(',').map((field) => {
      const [key = '', ...value] = field.split('=')
      return [aliases[key] ?? key, value.length === 0 ? 'true' : value.join('=')] as const
    }),
  )
  const take = (key: string): string | undefined => {
    const value = fields.get(key)
    fields.delete(key)
    return value
  }
  const type = take('type') ?? 'volume'
  const target = take('target')
  if (target === undefined || !target.startsWith('/')) throw bad('it has no absolute target')
  const readonly = (take('readonly') ?? 'false') === 'false' ? [] : ['ro']
  const mount = (): Mount => {
    if (type === 'tmpfs') {
      const [size, mode] = [take('tmpfs-size'), take('tmpfs-mode')]
      const sized = size === undefined ? [] : [`size=${parseSize('--mount tmpfs-size', size)}`]
      return tmpfs(target, [...readonly, ...sized, ...(mode === undefined ? [] : [`mode=${mode}`])])
    }
    if (type !== 'bind') throw bad(`type=${type} is of engines, which keep volumes: bind or tmpfs`)
    const source = take('source')
    if (source === undefined) throw bad('it has no source')
    const how = take('bind-propagation') ?? 'rprivate'
    if (!propagation.test(how)) throw bad(`there is no propagation ${how}`)
    return { destination: target, type: 'bind', source: realPath(source), options: ['rbind', how, ...readonly] }
  }
  const made = mount()
  const [left] = fields.keys()
  if (left !== undefined) throw bad(`tsrun knows no ${left} of type=${type}`)
  return made
}

const aliases: Readonly<Record<string, string>> = {
  ...{ src: 'source', dst: 'target', destination: 'target', ro: 'readonly' },
}

/** By which programs on the host's network find names, unless something else is mounted there. @throws SyscallError */
export function hostFiles(mounts: readonly Mount[]): Mount[] {
  const taken = new Set(mounts.map(({ destination }) => destination))
  return ['/etc/resolv.conf', '/etc/hosts']
    .filter((path) => !taken.has(path) && fileInfo(path)?.type === 'file')
    .map((path) => ({ destination: path, type: 'bind', source: realPath(path), options: ['bind', 'rprivate', 'ro'] }))
}

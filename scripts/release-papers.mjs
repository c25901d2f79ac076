// The papers of a release: its bill of materials (CycloneDX 1.5), and from what, with what and where it was made.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { bundled } from './bundle.mjs'
import { engineSource } from './engine.mjs'
import { output, root } from './process.mjs'

const { version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Hexadecimal SHA-256 of a file. */
export const digest = (file) => createHash('sha256').update(readFileSync(file)).digest('hex')

const sha256 = (content) => ({ alg: 'SHA-256', content })

const component = (type, name, its, terms, purl) => ({
  ...{ type, name, version: its },
  licenses: [/ /.test(terms) ? { expression: terms } : { license: { id: terms } }],
  ...(purl === undefined ? {} : { purl, 'bom-ref': purl }),
})

/**
 * What is in the files, and what the npm package depends on. `time`: seconds since 1970; `parts`: what is linked in, by architecture
 * (linked.mjs); `files`: paths of the release.
 */
export function billOfMaterials(time, parts, files) {
  const self = component('application', 'tsrun', version, license, `pkg:npm/tsrun@${version}`)
  const linked = Object.entries(parts).flatMap(([arch, list]) => list.map((part) => linkedComponent(arch, part)))
  const dependencies = npmComponents()
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    ...{ bomFormat: 'CycloneDX', specVersion: '1.5', version: 1 },
    metadata: {
      timestamp: new Date(time * 1000).toISOString(),
      component: {
        ...self,
        components: files.map((file) => ({ type: 'file', name: basename(file), hashes: [sha256(digest(file))] })),
      },
    },
    // One engine for all architectures.
    components: [...new Map([...linked, ...dependencies].map((one) => [one['bom-ref'], one])).values()],
  }
}

function linkedComponent(arch, { name, version: its, terms, isDebian, sha256: content }) {
  if (!isDebian)
    return { ...component('library', name, its, terms, `pkg:generic/${name}@${its}`), hashes: [sha256(content)] }
  const purl = `pkg:deb/debian/${name.replaceAll('+', '%2B')}@${encodeURIComponent(its)}`
  return component('library', name, its, terms, `${purl}?arch=${arch === 'x64' ? 'amd64' : arch}`)
}

/** The packages that the npm package asks for, or has in its bundles, as the lock file has them. */
function npmComponents() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  return Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && (!dev || bundled.some((name) => path === `node_modules/${name}`)))
    .map(([path, { version: its, license: terms = 'NOASSERTION' }]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
      return component('library', name, its, terms, `pkg:npm/${name.replace('@', '%40')}@${its}`)
    })
}

/** The text of PROVENANCE; `archs`: the architectures of the release. */
export function provenance(time, archs) {
  const first = (program, ...args) => output(program, args).split('\n')[0]
  const compilers = archs.map((arch) => [
    `compiler for ${arch}`,
    first(arch === process.arch ? 'g++' : 'aarch64-linux-gnu-g++', '--version'),
  ])
  const lines = {
    commit: output('git', ['rev-parse', 'HEAD']).trim(),
    time: new Date(time * 1000).toISOString(),
    command: `npm run release${archs.length > 1 ? '' : ` -- ${archs[0]}`}`,
    system: /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1],
    ...Object.fromEntries(compilers),
    linker: first('ld', '--version'),
    cmake: first('cmake', '--version'),
    node: process.version,
    engine: `${engineSource.file} sha256 ${engineSource.sha256}`,
    libraries: `tsrun-${version}.cdx.json`,
    'to make it again': 'node scripts/reproduce.mjs (docs/install.md)',
  }
  return Object.entries(lines)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('')
}

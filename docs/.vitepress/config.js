// The site of docs/ (`npm run site`): what is in the side bar, in which order; search needs no server.
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const has = (page) => existsSync(join(import.meta.dirname, '..', `${page}.md`))
/** Pages that others have made (scripts/site.mjs) are no part of the router. */
const foreign = { 'api/index': { link: '/api/index.html', target: '_self' } }
const item = ([text, page]) =>
  foreign[page] ? [{ text, ...foreign[page] }] : has(page) ? [{ text, link: `/${page.replace(/index$/, '')}` }] : []
const group = (text, pages) => ({ text, items: Object.entries(pages).flatMap(item) })

const sidebar = [
  group('Guide', {
    'What it is': 'index',
    Install: 'install',
    'At the shell': 'shell',
    'Images without a daemon': 'images',
    'In a program of Node.js': 'embedding',
    'Docker, podman, containerd, CRI-O': 'engines/index',
    Kubernetes: 'engines/kubernetes',
    'Checkpoint and restore': 'checkpoint',
  }),
  group('Reference', {
    Commands: 'commands',
    'config.json, field by field': 'conformance',
    'Limits and what they do': 'resources',
    Annotations: 'annotations',
    Errors: 'errors',
    'API for Node.js': 'api/index',
    'Differences from runc and crun': 'differences',
    'Engines and their features': 'engines/table',
    Changelog: 'changelog',
  }),
  group('Internals', {
    Architecture: 'architecture',
    'Map of src': 'map',
    'The executable': 'engine',
    'Where the time goes': 'performance',
    Reliability: 'reliability',
    Security: 'security',
    Contributing: 'contributing',
  }),
]

export default {
  title: 'tsrun',
  description: 'A low-level OCI container runtime',
  outDir: join(import.meta.dirname, '../../../../site'),
  // It is looked at from any folder, also without a server's rules.
  cleanUrls: false,
  themeConfig: {
    outline: [2, 3],
    search: { provider: 'local', options: { miniSearch: { searchOptions: { combineWith: 'AND' } } } },
    sidebar,
    nav: sidebar.map(({ text, items }) => ({ text, link: items[0].link })),
  },
}

// Finds links in the documents that lead nowhere: to files, headings, pictures, and names of documents in code.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { Failure, root } from './process.mjs'
import { filesBelow } from './stamp.mjs'

/** The documents, from the top folder of the project. */
export const documents = () => [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'],
  ...filesBelow('docs')
    .map((file) => relative(root, file))
    .filter((file) => file.endsWith('.md')),
]

const read = (document) => readFileSync(join(root, document), 'utf8')

/** Without blocks of code, whose brackets are no links. */
const prose = (text) => text.replace(/^```[^]*?^```/gm, '')

/** What GitHub and VitePress call a heading: in small letters, spaces as dashes, no punctuation. */
const anchorOf = (heading) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .trim()
    .replaceAll(' ', '-')

const anchorsOf = (text) => [...prose(text).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading))

/** Where the links of a document lead: path from the top folder, and the heading if there is one. */
function linksOf(document, text) {
  const links = [...prose(text).matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
  return links.map(([words, path, anchor]) => ({
    words: words.slice(1),
    target: path === '' ? document : normalize(join(dirname(document), path)),
    anchor,
  }))
}

/** Documents that are named in code, as `docs/shell.md` or, in docs, `shell.md`. */
export function namedDocument(document, name) {
  return [name, join(dirname(document), name)].map(normalize).find((path) => existsSync(join(root, path)))
}

/** @throws Failure with every link that leads nowhere */
export function checkLinks() {
  const broken = documents().flatMap((document) => {
    const text = read(document)
    const links = linksOf(document, text).flatMap(({ words, target, anchor }) => {
      if (!existsSync(join(root, target))) return [`${document}: ${words}: there is no ${target}`]
      if (anchor === undefined || anchorsOf(read(target)).includes(anchor)) return []
      return [`${document}: ${words}: ${target} has no heading ${anchor}`]
    })
    const names = [...prose(text).matchAll(/`([\w./-]+\.md)`/g)].flatMap(([, name]) =>
      namedDocument(document, name) === undefined ? [`${document}: \`${name}\`: there is no such document`] : [],
    )
    return [...links, ...names]
  })
  if (broken.length > 0) throw new Failure(broken.join('\n'))
  return `ok: ${documents().length} documents`
}

// Renders docs/ into site/ with VitePress, with a search that needs no server.
// usage: node scripts/site.mjs        VitePress is installed below build/site by the first run.
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { apiFolder } from './api.mjs'
import { documents, namedDocument } from './links.mjs'
import { isMain, root, runQuietly, script } from './process.mjs'
import { setUp } from './setup.mjs'

const work = join(root, 'build/site')

/** Where a document is in the site. */
function pageOf(document) {
  if (document === 'README.md') return 'index.md'
  const page = document.startsWith('docs/') ? document.slice('docs/'.length) : document.toLowerCase()
  return page.replace(/README\.md$/, 'index.md')
}

/** Tables that are walls of text have the whole width. */
const wide = ['docs/conformance.md', 'docs/resources.md', 'docs/engines/table.md']
const wideHead = '---\naside: false\npageClass: wide\n---\n\n'

/** A document with its links changed to where the site has their targets; names of documents become links. */
function pageText(document) {
  const place = dirname(pageOf(document))
  const linkTo = (target) => {
    const page = target.endsWith('.md') ? pageOf(target) : target.replace(/^docs\//, '')
    const path = relative(place, page)
    return path.startsWith('.') ? path : `./${path}`
  }
  const text = readFileSync(join(root, document), 'utf8')
  const linked = text
    .replace(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g, (_, path) => `](${linkTo(join(dirname(document), path))}`)
    .replace(/(?<!\[)`([\w./-]+\.md)`/g, (words, name) => {
      const target = namedDocument(document, name)
      return target === undefined || pageOf(target) === pageOf(document) ? words : `[${words}](${linkTo(target)})`
    })
  return wide.includes(document) ? wideHead + linked : linked
}

const cell = (text) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('{{', '{&#123;')

function optionTable(options) {
  const rows = options.map(({ name, short, kind, value = 'VALUE', default: usual, choices, description }) => {
    const flag = `${short === undefined ? '' : `-${short}, `}--${name}${kind === 'boolean' ? '' : ` ${value}`}`
    const more = [
      ...(choices === undefined ? [] : [`one of ${choices.map((choice) => `\`${choice}\``).join(', ')}`]),
      ...(kind === 'list' ? ['may be repeated'] : []),
      ...(usual === undefined || usual === '' ? [] : [`default: \`${usual}\``]),
    ]
    return `| \`${cell(flag)}\` | ${[cell(description), ...more].join('; ')} |\n`
  })
  return rows.length === 0 ? '' : `\n| flag | |\n| --- | --- |\n${rows.join('')}`
}

function commandText(title, { description, options, arguments: positionals }, level) {
  const line = [title, ...(options.length > 0 ? ['[flags]'] : []), ...positionals].join(' ')
  return `${level} ${title}\n\n\`\`\`\n${line}\n\`\`\`\n\n${cell(description)}\n${optionTable(options)}\n`
}

/** All commands with their flags, from the tables that the parser goes by. */
async function commandsPage() {
  const { commands, loadCommand, program } = await import(join(root, 'dist/cli/program.js'))
  const groups = {}
  for (const group of ['image', 'bundle', 'mounts']) {
    const { actions } = await import(join(root, `dist/cli/commands/${group}.js`))
    if (actions !== undefined) groups[group] = actions
  }
  let text = `# Commands\n\nFrom the tables that the parser goes by; the manual pages (\`man tsrun-run\`) tell more.\n\n`
  text += commandText('tsrun', program, '##')
  for (const name of Object.keys(commands).filter((name) => name !== 'help')) {
    text += commandText(`tsrun ${name}`, await loadCommand(name), '##')
    for (const [action, entry] of Object.entries(groups[name] ?? {}))
      text += commandText(`tsrun ${name} ${action}`, (await entry.load()).command, '###')
  }
  return text
}

/** The API by typedoc is a site of its own, below this one. */
function makeApi(pages) {
  runQuietly('npm', ['run', '--silent', 'docs:api'])
  cpSync(apiFolder, join(pages, 'public/api'), { recursive: true })
}

async function site() {
  setUp('start')
  mkdirSync(work, { recursive: true })
  const lock = join(root, 'docs/.vitepress/package-lock.json')
  const installed = join(work, 'package-lock.json')
  if (!existsSync(installed) || readFileSync(lock, 'utf8') !== readFileSync(installed, 'utf8')) {
    copyFileSync(join(root, 'docs/.vitepress/package.json'), join(work, 'package.json'))
    copyFileSync(lock, installed)
    runQuietly('npm', ['ci', '--prefix', work, '--no-audit', '--no-fund', '--loglevel=error'])
  }
  const pages = join(work, 'pages')
  rmSync(pages, { recursive: true, force: true })
  makeApi(pages)
  cpSync(join(root, 'docs'), pages, { recursive: true, filter: (path) => !path.endsWith('.md') })
  for (const document of documents()) {
    const page = join(pages, pageOf(document))
    mkdirSync(dirname(page), { recursive: true })
    writeFileSync(page, pageText(document))
  }
  writeFileSync(join(pages, 'commands.md'), await commandsPage())
  // It refuses links that lead nowhere.
  runQuietly(process.execPath, [join(work, 'node_modules/vitepress/bin/vitepress.js'), 'build', pages])
  console.log(`site/index.html: ${join(root, 'site/index.html')}`)
}

if (isMain(import.meta.url)) await script(site)

/** `npm run site`: what a person finds in it. */
import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import t from 'tap'
import { openPage } from '../helpers/browser.js'
import { requires } from '../helpers/requires.js'
import { projectRoot } from '../helpers/tools.js'

const site = join(projectRoot, 'site')
const types: Readonly<Record<string, string>> = {
  ...{ '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' },
  ...{ '.png': 'image/png', '.json': 'application/json', '.woff2': 'font/woff2' },
}

/** Serves the site as plain files. */
async function serve(): Promise<{ address: string; close: () => void }> {
  const server = createServer((request, response) => {
    const path = join(site, normalize(new URL(request.url ?? '/', 'http://x').pathname))
    try {
      const file = statSync(path).isDirectory() ? join(path, 'index.html') : path
      const body = readFileSync(file)
      response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' }).end(body)
    } catch {
      response.writeHead(404).end()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { address: `http://127.0.0.1:${port}/`, close: () => void server.close() }
}

t.test(
  'the site is searched, its long tables are filtered, and each page is there',
  { skip: requires('browser') },
  async (t) => {
    execFileSync(process.execPath, [join(projectRoot, 'scripts/site.mjs')], { stdio: 'pipe' })
    const { address, close } = await serve()
    t.teardown(close)
    const { browser, page, errors } = await openPage(address)
    t.teardown(() => browser.close())
    t.match(await page.locator('h1').innerText(), 'tsrun')

    await page.getByRole('button', { name: 'Search' }).click()
    await page.locator('#localsearch-input').fill('memory.limit')
    const found = page.locator('#localsearch-list a', { hasText: 'Limits and what they do' }).first()
    await found.click()
    await page.locator('h1', { hasText: 'Limits and what they do' }).waitFor()

    const rows = page.locator('.vp-doc tbody tr:visible')
    const all = await rows.count()
    await page.getByLabel('Filter these rows').first().fill('memory.limit')
    const some = await rows.count()
    t.ok(some > 0 && some < all / 2, `${some} of ${all} rows`)
    for (const row of await rows.all()) t.match(await row.innerText(), 'memory.limit')

    const pages = await page.evaluate<string[]>(
      "[...document.querySelectorAll('.VPSidebar a')].map(({ href }) => href)",
    )
    t.ok(pages.length > 15)
    for (const url of pages) {
      await page.goto(url)
      t.ok((await page.locator('h1').innerText()).length > 2, url)
      t.equal(
        await page.evaluate<boolean>('[...document.images].every((one) => one.naturalWidth > 0)'),
        true,
        'its pictures',
      )
    }
    await page.goto(`${address}map.html`)
    t.equal(await page.locator('.vp-doc img').count(), 1, 'the diagram is a picture')
    await page.getByRole('link', { name: 'API for Node.js' }).click()
    await page.waitForURL(/\/api\/index.html$/)
    await page.getByRole('link', { name: 'Runtime', exact: true }).first().click()
    await page.waitForURL(/Runtime.html$/)
    t.match(await page.locator('h1').innerText(), 'Runtime')
    await page.goto(`${address}commands.html`)
    t.match(await page.locator('.vp-doc').innerText(), /tsrun checkpoint[^]*--image-path DIR/)
    t.same(errors, [])
  },
)

/** Test helper: a page in a headless Chromium, as a person sees it. */
import { chromium, type Browser, type Page } from 'playwright-core'
import { browserPath } from './requires.js'

/** Opens a page; an error in it, also one of its script, is in `errors`. Close the browser at the end. */
export async function openPage(url: string): Promise<{ browser: Browser; page: Page; errors: string[] }> {
  const executablePath = browserPath()
  if (executablePath === undefined) throw new Error('there is no Chromium')
  // Root is refused a sandbox; what is opened here is ours.
  const browser = await chromium.launch({ executablePath, chromiumSandbox: false })
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  await page.goto(url)
  return { browser, page, errors }
}

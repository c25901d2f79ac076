/** examples/sandbox-server: what a person sees of the page. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Page } from 'playwright-core'
import { openPage } from '../helpers/browser.js'
import { testWith } from '../helpers/test.js'
import { projectRoot } from '../helpers/tools.js'

const test = testWith('tsrun', 'browser')

/** Runs a snippet on the page; it has ended when the timeline says so. */
async function submit(page: Page, language: string, code: string): Promise<void> {
  await page.getByLabel('Language').selectOption(language)
  await page.getByLabel('A snippet').fill(code)
  await page.getByRole('button', { name: 'Run' }).click()
}

test('a snippet shows its output while it runs, then its timeline and end', async (t, scope) => {
  const server = spawn(process.execPath, [join(projectRoot, 'examples/sandbox-server.mjs'), '0', scope.root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  scope.defer(() => void server.kill('SIGKILL'))
  const [address] = (await once(createInterface({ input: server.stdout }), 'line')) as [string]
  const { browser, page, errors } = await openPage(address)
  try {
    const [output, steps, end] = [page.locator('#output'), page.locator('#steps'), page.getByRole('status')]
    // It ends only when it is out of time, so what is seen before has come while it ran.
    await submit(page, 'sh', 'echo first; echo bad >&2; sleep 1000')
    await output.getByText('first').waitFor()
    await output.locator('.stderr', { hasText: 'bad' }).waitFor()
    t.equal(await end.innerText(), '', 'it has not ended yet')
    t.match(await steps.innerText(), /^queued \d+ ms\s+started \d+ ms$/)
    await end.getByText('exit: out of time').waitFor()
    t.match(await steps.innerText(), /ended \d+ ms$/)

    await submit(page, 'node', 'console.log(6 * 7, "<b>"); process.exitCode = 3')
    await end.getByText(/^exit: 3 \(\d+ ms of CPU, [\d.]+ MiB\)$/).waitFor()
    t.equal(await output.innerText(), '42 <b>\n', 'of this snippet alone, as text')

    await submit(page, 'sh', 'a=x; while :; do a=$a$a; done')
    await end.getByText('exit: out of memory').waitFor()
    t.same(errors, [])
  } finally {
    await browser.close()
  }
  server.kill('SIGTERM')
  t.same(await once(server, 'exit'), [0, null])
})

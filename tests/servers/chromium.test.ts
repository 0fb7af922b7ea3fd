import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { makeCertificate } from './certificate.ts'
import { launchChromium } from './chromium.ts'
import type { Chromium } from './chromium.ts'
import { dataFolder, run } from './daemon.ts'
import { requireServer } from './install.ts'
import { stillRunning } from './processes.ts'

describe('Chromium', requireServer('chromium'), () => {
  let chromium: Chromium
  let page: string
  let other: string
  const servers: Server[] = []

  before(async () => {
    chromium = await launchChromium()
    const html =
      '<h1>Signpost</h1><button onclick="document.cookie=`seen=1`; this.textContent=`done`">go</button>'
    page = await listen(
      createServer((_request, response) => response.setHeader('content-type', 'text/html').end(html)),
    )
    other = await listen(createServer((_request, response) => response.end('secret')))
  })
  after(async () => {
    await chromium.stop()
    for (const server of servers) server.close()
  })
  const listen = (server: Server) => {
    servers.push(server)
    return new Promise<string>((resolve) =>
      server.listen(0, '127.0.0.1', () =>
        resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
      ),
    )
  }

  test('shows a page of a local server and clicks in it; a second profile does not see its cookies', async () => {
    const [one, two] = await Promise.all([chromium.newContext(), chromium.newContext()])
    const tab = await one.newPage()
    await tab.goto(page)
    await tab.click('button')
    assert.equal(await tab.textContent('button'), 'done')
    assert.equal((await one.cookies()).length, 1)
    assert.equal((await two.cookies()).length, 0)
    await Promise.all([one.close(), two.close()])
  })

  test('keeps a page from reading another origin that does not allow it', async () => {
    const context = await chromium.newContext()
    const tab = await context.newPage()
    await tab.goto(page)
    const read = tab.evaluate((url) => fetch(url).then((answer) => answer.text()), other)
    await assert.rejects(read, /Failed to fetch/)
    await context.close()
  })

  test('takes a self-signed certificate only when told to', async () => {
    const folder = await dataFolder('chromium-test', undefined)
    const { certificatePem, privateKeyPem } = await makeCertificate(folder.path)
    await folder.remove()
    const server = createTlsServer({ cert: certificatePem, key: privateKeyPem }, (_request, response) =>
      response.end('ok'),
    )
    const url = (await listen(server)).replace('http:', 'https:')
    const strict = await chromium.newContext()
    await assert.rejects((await strict.newPage()).goto(url), /ERR_CERT_AUTHORITY_INVALID/)
    const trusting = await chromium.browser.newContext({ ignoreHTTPSErrors: true })
    assert.equal((await (await trusting.newPage()).goto(url))?.status(), 200)
    await Promise.all([strict.close(), trusting.close()])
  })
})

test('stopping Chromium leaves no process', requireServer('chromium'), async () => {
  const chromium = await launchChromium()
  const pids = await descendants(process.pid, 'chromium')
  assert.ok(pids.length > 0)
  await chromium.stop()
  assert.deepEqual(await stillRunning(pids), [])
})

/** The processes of that name that this one started, itself or through others. */
async function descendants(ancestor: number, name: string): Promise<number[]> {
  const lines = (await run('ps', ['-e', '-o', 'pid=,ppid=,comm='])).trim().split('\n')
  const rows = lines
    .map((line) => line.trim().split(/\s+/))
    .map(([pid, parent, comm]) => [Number(pid), Number(parent), comm] as const)
  const below = (pid: number): (readonly [number, number, string | undefined])[] =>
    rows.filter(([, parent]) => parent === pid).flatMap((row) => [row, ...below(row[0])])
  return below(ancestor)
    .filter(([, , comm]) => comm === name)
    .map(([pid]) => pid)
}

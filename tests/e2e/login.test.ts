/** People log in with a real identity provider in a real browser, and from there at a terminal. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import { openShell, type Shell } from '../../packages/cli/src/testing/run-command.ts'
import type { Cookie, Page } from 'playwright-core'
import { launchChromium, type Chromium } from '../servers/chromium.ts'
import { requireServer } from '../servers/install.ts'
import { startOidcProvider, type OidcProvider } from '../servers/oidc-provider.ts'
import { freshEnvironment, startServer, untilPrinted } from './server-process.ts'

interface Place {
  url: string
  provider: OidcProvider
  shell: Shell
  /** What the browser itself complained of, such as a page that its policy broke. */
  complaints: string[]
  page: Page
}

describe('a login with an identity provider, in Chromium', requireServer('chromium'), () => {
  let chromium: Chromium
  before(async () => {
    chromium = await launchChromium()
  })
  after(() => chromium.stop())

  async function open(t: TestContext): Promise<Place> {
    const env = await freshEnvironment(t)
    const server = await startServer(t, env)
    await untilPrinted(server, 'Ctrl-C')
    const { url } = server
    const provider = await startOidcProvider(url, 'acme')
    t.after(() => provider.stop())
    const token = readFileSync(join(env['SIGNPOST_DATA_DIR']!, 'admin-token'), 'utf8').trim()
    const shell = openShell(t, { SIGNPOST_URL: url, SIGNPOST_TOKEN: token })
    const told = `--issuer ${provider.issuer} --client-id ${provider.clientId} --client-secret-file -`
    const rest = '--allow-internal --groups-claim groups --map ml=demo:viewer --domain example.com'
    const added = await shell.run(['identity-provider', 'add', 'acme', ...`${told} ${rest}`.split(' ')], {
      input: provider.clientSecret,
    })
    assert.equal(added.code, 0, added.stderr)
    assert.match(added.stdout, new RegExp(`redirect URI at the provider: ${url}/oidc/callback/acme`))
    const context = await chromium.newContext()
    t.after(() => context.close())
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error' && message.location().url.startsWith(url))
        complaints.push(message.text())
    })
    return { url, provider, shell, complaints, page }
  }

  /** The provider's are on the same host: cookies know no ports. */
  async function ownCookies(page: Page): Promise<Cookie[]> {
    return (await page.context().cookies()).filter(({ name }) => name.includes('signpost'))
  }

  async function logIn(page: Page, name: string): Promise<void> {
    await page.fill('input[name=login]', name)
    await page.fill('input[name=password]', 'whatever')
    await page.click('button[type=submit]')
    // The next page has such a button, too.
    await page.waitForSelector('input[name=prompt][value=consent]', { state: 'attached' })
    await page.click('button[type=submit]')
  }

  test('somebody logs in, has what their groups give, and logs out here and there', async (t) => {
    const { url, provider, shell, complaints, page } = await open(t)
    provider.groups.set('alice', ['ml'])
    await page.goto(`${url}/login`)
    assert.ok(page.url().startsWith(provider.issuer), 'with one provider there is nothing to choose')
    await logIn(page, 'alice')
    await page.waitForURL(`${url}/account`)
    assert.match(await page.innerText('main'), /alice@example\.com/)
    const [session, ...others] = await ownCookies(page)
    assert.equal(others.length, 0)
    assert.deepEqual(
      [session?.name, session?.httpOnly, session?.sameSite, session?.path],
      ['signpost-session', true, 'Lax', '/'],
    )
    // A page of this server that may fetch: those for the login may not.
    await page.goto(`${url}/healthz`)
    const me = (await page.evaluate('fetch("/v1/me").then((answer) => answer.json())')) as {
      teams: unknown
    }
    assert.deepEqual(me.teams, [{ team: 'demo', role: 'viewer' }])
    const made = (await page.evaluate(
      `fetch("/v1/api-keys", { method: "POST", headers: { "content-type": "application/json" }, body: '{"name":"k"}' }).then((answer) => answer.status)`,
    )) as number
    assert.equal(made, 201, 'a page of this server may change something with the cookie')
    const sessions = await shell.run(['--json', 'session', 'list', '--user', 'alice@example.com'])
    assert.equal(sessions.stdout.trim().split('\n').length, 1)
    await page.goto(`${url}/account`)
    await page.click('text=Log out')
    await page.waitForURL(`${provider.issuer}/**`)
    await page.click('button[type=submit]')
    await page.waitForURL(`${url}/logout**`)
    assert.match(await page.innerText('main'), /You are logged out/)
    assert.deepEqual(await ownCookies(page), [])
    assert.deepEqual(complaints, [])
  })

  test('a terminal logs in by a browser: the same code on both, and a button', async (t) => {
    const { url, shell, complaints, page } = await open(t)
    const terminal = shell.start(['login', url, '--browser'], { env: { SIGNPOST_TOKEN: '' } })
    let told = ''
    const address = await new Promise<string>((resolve) => {
      terminal.stderr!.on('data', (chunk) => {
        told += String(chunk)
        const found = /Open (\S+)\n.*code (\S+)\. /s.exec(told)
        if (found) resolve(found[1]!)
      })
    })
    await page.goto(address)
    await logIn(page, 'bob')
    await page.waitForURL(`${url}/device**`)
    const shown = await page.innerText('main')
    assert.ok(shown.includes(/code (\S+)\. /.exec(told)![1]!), 'the page shows the code of the terminal')
    assert.match(shown, /bob@example\.com/)
    assert.match(shown, /signpost-cli\//)
    await page.click('text=Yes, log in there')
    await page.waitForSelector('text=Logged in at the terminal')
    const { code, stdout, stderr } = await terminal.ended
    assert.equal(code, 0, stderr)
    assert.match(stdout, /as bob@example\.com; kept in .*good until /)
    const who = await shell.run(['whoami'], { env: { SIGNPOST_TOKEN: '' } })
    assert.match(who.stdout, /bob@example\.com/)
    const out = await shell.run(['--json', 'logout'], { env: { SIGNPOST_TOKEN: '' } })
    assert.deepEqual(JSON.parse(out.stdout), { removed: true, ended: true })
    assert.deepEqual(complaints, [])
  })

  test('the pages can be used by keyboard and on a small screen', async (t) => {
    const { url, page, shell } = await open(t)
    const second = ['identity-provider', 'list', '--json']
    assert.equal((await shell.run(second)).code, 0)
    await page.setViewportSize({ width: 320, height: 640 })
    await page.goto(`${url}/device`)
    await logIn(page, 'carol')
    await page.waitForURL(`${url}/device**`)
    assert.equal(await page.evaluate('document.activeElement.id'), 'user_code')
    await page.keyboard.type('bcdf ghjk')
    await page.keyboard.press('Enter')
    await page.waitForSelector('[role=alert]')
    assert.match(await page.innerText('[role=alert]'), /No terminal waits/)
    const overflow = await page.evaluate('document.documentElement.scrollWidth > innerWidth')
    assert.equal(overflow, false)
  })
})

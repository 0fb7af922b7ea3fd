import { chromium } from 'playwright-core'
import type { Browser, BrowserContext } from 'playwright-core'
import { dataFolder, findProgram } from './daemon.ts'
import type { Stoppable } from './daemon.ts'
import { requireServer } from './install.ts'

/** Of its start, and of each wait in a page. */
const patienceMs = 120_000

export interface ChromiumOptions {
  /** Takes self-signed certificates, as those of Azurite here. */
  ignoreHttpsErrors?: boolean
  /** Further command-line switches. */
  args?: readonly string[]
}

export interface Chromium extends Stoppable {
  browser: Browser
  /** A fresh profile: no cookies, no storage. */
  newContext: () => Promise<BrowserContext>
}

/** Debian's Chromium, headless, driven by Playwright over a pipe: it ends when the test process does. */
export async function launchChromium(options: ChromiumOptions = {}): Promise<Chromium> {
  const reason = requireServer('chromium').skip
  if (reason !== false) throw new Error(reason)
  // Chromium writes below HOME and TMPDIR, whatever its user data folder is.
  const folder = await dataFolder('chromium', undefined)
  const browser = await chromium
    .launch({
      executablePath: findProgram('chromium')!,
      headless: true,
      timeout: patienceMs,
      args: [...switches(), ...(options.args ?? [])],
      env: { ...definedEnv(), HOME: folder.path, TMPDIR: folder.path },
      // Playwright would add hooks of its own to the test process.
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
    })
    .catch(async (error: unknown) => {
      await folder.remove()
      throw error
    })
  return {
    browser,
    newContext: async () => {
      const context = await browser.newContext({ ignoreHTTPSErrors: options.ignoreHttpsErrors ?? false })
      context.setDefaultTimeout(patienceMs)
      return context
    },
    stop: async () => {
      await browser.close()
      await folder.remove()
    },
  }
}

/** Without the background switches Chromium calls hosts on the internet at its start. */
function switches(): string[] {
  const quiet = [
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
  ]
  // Chromium's sandbox refuses to work for root.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return [...quiet, ...sandbox, '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage']
}

function definedEnv(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined),
  )
}

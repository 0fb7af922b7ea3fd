/** A login without a key: this terminal shows a code, somebody confirms it in a browser (RFC 8628). */
import { spawn } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { SignpostError, type ErrorCode } from '@signpost/contract'
import type { Context } from './context.ts'
import { printableLine } from './text.ts'

export interface DeviceToken {
  token: string
  expiresAt: string
}

interface Begun {
  device_code: string
  user_code: string
  verification_uri: string
  verification_uri_complete: string
  expires_in: number
  interval: number
}

const grantType = 'urn:ietf:params:oauth:grant-type:device_code'
const clientId = 'signpost-cli'
const answerMs = 30_000

/** Undefined: nobody logs in by a browser at this server. */
export async function deviceLogin(context: Context, url: string): Promise<DeviceToken | undefined> {
  const begun = await begin(context, url)
  if (begun === undefined) return undefined
  const page = checkedPage(begun.verification_uri_complete)
  context.note(`Open ${page}`)
  context.note(`and confirm there the code ${printableLine(begun.user_code)}. Waiting ...`)
  if (hasScreen(context)) openBrowser(context, page)
  const deadline = Date.now() + begun.expires_in * 1000
  let seconds = Math.max(1, begun.interval)
  while (Date.now() < deadline) {
    await pause(context, seconds)
    const answer = await ask(context, url, begun.device_code)
    if (answer === undefined) continue
    if (answer['error'] === 'slow_down') seconds += 5
    else if (answer['error'] !== 'authorization_pending') return tokenOf(answer)
  }
  throw new SignpostError('unauthenticated', 'nobody confirmed the login in time: begin again')
}

async function begin(context: Context, url: string): Promise<Begun | undefined> {
  const response = await send(context, `${url}/oidc/device_authorization`, { client_id: clientId })
  const body = (await response.json().catch(() => ({}))) as Record<string, unknown>
  // An older server has no such address; another has no identity provider.
  if (response.status === 404 || response.status === 409) return undefined
  if (!response.ok) throw problemOf(body)
  return body as unknown as Begun
}

/** What ended it says with which exit code; the timer's own error would not. */
async function pause({ signal }: Context, seconds: number): Promise<void> {
  await wait(seconds * 1000, undefined, { signal }).catch((error: unknown) => {
    signal.throwIfAborted()
    throw error
  })
}

/** Undefined: no answer, which may pass. */
async function ask(
  context: Context,
  url: string,
  deviceCode: string,
): Promise<Record<string, unknown> | undefined> {
  const form = { grant_type: grantType, client_id: clientId, device_code: deviceCode }
  try {
    const response = await send(context, `${url}/oidc/token`, form)
    if (response.status === 429 || response.status >= 500) return undefined
    return (await response.json()) as Record<string, unknown>
  } catch (error) {
    context.signal.throwIfAborted()
    if (error instanceof TypeError || error instanceof DOMException || error instanceof SyntaxError)
      return undefined
    throw error
  }
}

function send(context: Context, url: string, form: Record<string, string>): Promise<Response> {
  const { io, signal } = context
  return fetch(url, {
    method: 'POST',
    headers: { 'user-agent': `signpost-cli/${io.version} (${io.platform})`, accept: 'application/json' },
    body: new URLSearchParams(form),
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
  })
}

function tokenOf(answer: Record<string, unknown>): DeviceToken {
  const { access_token: token, expires_in: seconds, error_description: why } = answer
  if (typeof token !== 'string' || typeof seconds !== 'number')
    throw new SignpostError('unauthenticated', typeof why === 'string' ? why : 'the login was refused')
  return { token, expiresAt: new Date(Date.now() + seconds * 1000).toISOString() }
}

function problemOf({ code, detail, requestId }: Record<string, unknown>): SignpostError {
  const sentence = typeof detail === 'string' ? detail : 'the server did not begin a login'
  const options = typeof requestId === 'string' ? { requestId } : {}
  return new SignpostError((typeof code === 'string' ? code : 'internal') as ErrorCode, sentence, options)
}

/** What a server says is given to another program: an address of a page and nothing else. */
function checkedPage(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return new URL(text).href
  throw new SignpostError('internal', 'the server names no page to confirm the login on')
}

/** Over SSH there is none, and the address is copied. */
function hasScreen({ io }: Context): boolean {
  if (!io.stderr.isTTY || !io.stdin.isTTY || io.env['SSH_CONNECTION']) return false
  return io.platform === 'darwin' || Boolean(io.env['DISPLAY'] || io.env['WAYLAND_DISPLAY'])
}

function openBrowser({ io }: Context, page: string): void {
  const program = io.platform === 'darwin' ? 'open' : 'xdg-open'
  const child = spawn(program, [page], { stdio: 'ignore', detached: true })
  // There may be no such program: the address stands on the terminal.
  child.on('error', () => {})
  child.unref()
}

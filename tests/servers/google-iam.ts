import { createPrivateKey, createPublicKey, randomBytes, sign, verify } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Stoppable } from './daemon.ts'
import type { ServiceAccount } from './gcs.ts'

export interface GoogleIamOptions {
  /** Service accounts whose keys IAM holds: it signs for them. */
  accounts: readonly ServiceAccount[]
  /** A service account with a key of its own, which the token endpoint takes assertions of. */
  caller?: ServiceAccount
  /** Life of the tokens; an hour unless told. */
  tokenSeconds?: number
}

/** An answer in place of the one that would have come. */
export interface Instead {
  status?: number
  headers?: Record<string, string>
  body?: string
  delayMs?: number
}

export interface GoogleIam extends Stoppable {
  /** `http://127.0.0.1:PORT`: metadata server, token endpoint and IAM in one. */
  endpoint: string
  tokensIssued: () => number
  /** Of signBlob, refused ones included. */
  calls: () => number
  /** Most calls of signBlob that were open at once. */
  atOnce: () => number
  /** Scopes of the last assertion. */
  lastScope: () => string | undefined
  /** The caller loses the right to sign for it. */
  deny: (account: string) => void
  disable: (account: string) => void
  /** All tokens so far are refused from now on. */
  revokeTokens: () => void
  /** What the next calls are answered with, one each; `token`: of the token endpoint and the metadata server. */
  next: (what: 'signBlob' | 'token', ...answers: Instead[]) => void
}

interface State {
  options: GoogleIamOptions
  tokens: Set<string>
  tokensIssued: number
  calls: number
  open: number
  atOnce: number
  lastScope: string | undefined
  denied: Set<string>
  disabled: Set<string>
  instead: { signBlob: Instead[]; token: Instead[] }
}

/**
 * A stand-in for what a keyless signer meets at Google, made from its published API: the metadata server ("Obtain a token
 * from the metadata server"), the OAuth token endpoint ("Using OAuth 2.0 for server to server applications") and
 * projects.serviceAccounts.signBlob of the Service Account Credentials API.
 */
export async function startGoogleIam(options: GoogleIamOptions): Promise<GoogleIam> {
  const state: State = {
    options,
    tokens: new Set(),
    tokensIssued: 0,
    calls: 0,
    open: 0,
    atOnce: 0,
    lastScope: undefined,
    denied: new Set(),
    disabled: new Set(),
    instead: { signBlob: [], token: [] },
  }
  const server = createServer((request, response) => {
    void answer(state, request).then(
      (reply) => send(response, reply),
      () => send(response, { status: 500, body: {} }),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref() // a forgotten stop() must not keep a test process alive
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    endpoint: `http://127.0.0.1:${port}`,
    tokensIssued: () => state.tokensIssued,
    calls: () => state.calls,
    atOnce: () => state.atOnce,
    lastScope: () => state.lastScope,
    deny: (account) => void state.denied.add(account),
    disable: (account) => void state.disabled.add(account),
    revokeTokens: () => state.tokens.clear(),
    next: (what, ...answers) => void state.instead[what].push(...answers),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

interface Reply {
  status: number
  headers?: Record<string, string>
  body: object | string
}

async function answer(state: State, request: IncomingMessage): Promise<Reply> {
  const path = decodeURIComponent(request.url ?? '/')
  const body = await text(request)
  const [, account] = /^\/v1\/projects\/-\/serviceAccounts\/([^/]+):signBlob$/.exec(path) ?? []
  if (account !== undefined && request.method === 'POST') {
    state.calls += 1
    state.open += 1
    state.atOnce = Math.max(state.atOnce, state.open)
    try {
      return (await insteadOf(state, 'signBlob')) ?? signBlob(state, request, account, body)
    } finally {
      state.open -= 1
    }
  }
  if (request.method === 'GET' && path === '/computeMetadata/v1/instance/service-accounts/default/token')
    return (await insteadOf(state, 'token')) ?? metadata(state, request)
  if (request.method === 'POST' && path === '/token')
    return (await insteadOf(state, 'token')) ?? exchange(state, request, body)
  return { status: 404, body: '<html>Not found</html>' }
}

async function insteadOf(state: State, what: 'signBlob' | 'token'): Promise<Reply | undefined> {
  const instead = state.instead[what].shift()
  if (instead === undefined) return undefined
  if (instead.delayMs !== undefined) await sleep(instead.delayMs, undefined, { ref: false })
  if (instead.status === undefined) return undefined
  return { status: instead.status, headers: instead.headers ?? {}, body: instead.body ?? '' }
}

function metadata(state: State, request: IncomingMessage): Reply {
  const headers = { 'metadata-flavor': 'Google', server: 'Metadata Server for VM' }
  if (request.headers['metadata-flavor'] !== 'Google') return { status: 403, headers, body: 'Forbidden' }
  return { status: 200, headers, body: newToken(state) }
}

function newToken(state: State): object {
  const access_token = `ya29.c.${randomBytes(24).toString('base64url')}`
  state.tokens.add(access_token)
  state.tokensIssued += 1
  return { access_token, expires_in: state.options.tokenSeconds ?? 3599, token_type: 'Bearer' }
}

/** RFC 7523 §3: who signed, for whom, until when. */
function exchange(state: State, request: IncomingMessage, body: string): Reply {
  const refused = (error_description: string): Reply => ({
    status: 400,
    body: { error: 'invalid_grant', error_description },
  })
  const form = new URLSearchParams(body)
  const { caller } = state.options
  if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer' || !caller)
    return { status: 400, body: { error: 'unsupported_grant_type' } }
  const [header = '', payload = '', signature = ''] = (form.get('assertion') ?? '').split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
  const { iss, aud, iat, exp, scope } = claims
  if (iss !== caller.clientEmail) return refused('Invalid grant: account not found')
  if (state.disabled.has(caller.clientEmail))
    return { status: 401, body: { error: 'disabled_client', error_description: 'The client is disabled.' } }
  const key = createPublicKey(caller.privateKeyPem)
  if (!verify('RSA-SHA256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url')))
    return refused('Invalid JWT Signature.')
  const now = Date.now() / 1000
  const isShort = Number(exp) - Number(iat) <= 3600 && Math.abs(now - Number(iat)) < 300
  if (!isShort)
    return refused(
      'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.',
    )
  if (aud !== `http://${request.headers.host}/token`) return refused('Invalid JWT: Failed audience check.')
  state.lastScope = typeof scope === 'string' ? scope : undefined
  return { status: 200, body: newToken(state) }
}

function signBlob(state: State, request: IncomingMessage, name: string, body: string): Reply {
  const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
  if (!state.tokens.has(token))
    return error(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.')
  const account = state.options.accounts.find(({ clientEmail }) => clientEmail === name)
  if (!account || state.denied.has(name)) {
    const details = [
      {
        '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
        reason: 'IAM_PERMISSION_DENIED',
        domain: 'iam.googleapis.com',
        metadata: { permission: 'iam.serviceAccounts.signBlob' },
      },
    ]
    const message = "Permission 'iam.serviceAccounts.signBlob' denied on resource (or it may not exist)."
    return error(403, 'PERMISSION_DENIED', message, details)
  }
  if (state.disabled.has(name)) return error(400, 'FAILED_PRECONDITION', 'Service account is disabled.')
  const { payload } = JSON.parse(body) as { payload?: unknown }
  if (typeof payload !== 'string') return error(400, 'INVALID_ARGUMENT', 'Invalid payload.')
  const bytes = Buffer.from(payload, 'base64')
  const signature = sign('RSA-SHA256', bytes, createPrivateKey(account.privateKeyPem))
  return { status: 200, body: { keyId: 'b6c1f1d5', signedBlob: signature.toString('base64') } }
}

/** "Errors" of Google Cloud APIs. */
function error(code: number, status: string, message: string, details: object[] = []): Reply {
  return { status: code, body: { error: { code, message, status, details } } }
}

function send(response: ServerResponse, { status, headers = {}, body }: Reply): void {
  const isText = typeof body === 'string'
  response.writeHead(status, {
    'content-type': isText ? 'text/html' : 'application/json; charset=UTF-8',
    ...headers,
  })
  response.end(isText ? body : JSON.stringify(body))
}

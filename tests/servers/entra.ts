import { randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { text } from 'node:stream/consumers'
import type { Azurite } from './azurite.ts'
import type { Stoppable } from './daemon.ts'
import { makeFederation, type Federation } from './entra-federation.ts'

export interface Entra extends Stoppable {
  /** `https://127.0.0.1:PORT`; for @azure/identity's `authorityHost`, with `disableInstanceDiscovery: true`. */
  authorityHost: string
  tenantId: string
  clientId: string
  clientSecret: string
  /** The same certificate as the Azurite that it makes tokens for. */
  certificatePem: string
  certificateFile: string
  /** How many tokens were given out so far: shows whether a client caches them. */
  tokensIssued: () => number
  /** A federated credential of the same application, and a platform that makes tokens for it. */
  federation: Federation
  /** The next request for a token is refused with this AADSTS number. */
  refuseNext: (code: number) => void
}

/**
 * The token endpoint of Microsoft Entra ID, as far as the client credentials flow of an application needs it
 * ("OAuth 2.0 client credentials flow on the Microsoft identity platform"), with a secret or a federated credential. The application is the only one it knows; its
 * tokens are taken by the given Azurite. A stand-in: Microsoft has none to run.
 */
export async function startEntra(azurite: Azurite): Promise<Entra> {
  const app: Application = {
    tenantId: azurite.tenantId,
    clientId: randomUUID(),
    clientSecret: randomBytes(24).toString('base64url'),
    makeToken: azurite.makeToken,
  }
  const federation = makeFederation()
  const refusals: number[] = []
  let tokens = 0
  const server = createServer(
    { key: azurite.privateKeyPem, cert: azurite.certificatePem },
    (request, response) => {
      void answer({ ...app, federation, refusals }, request).then(
        (reply) => {
          if ('access_token' in reply.body) tokens += 1
          send(response, reply)
        },
        () => send(response, { status: 500, body: {} }),
      )
    },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref() // a forgotten stop() must not keep a test process alive
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    authorityHost: `https://127.0.0.1:${port}`,
    tenantId: app.tenantId,
    clientId: app.clientId,
    clientSecret: app.clientSecret,
    certificatePem: azurite.certificatePem,
    certificateFile: azurite.certificateFile,
    tokensIssued: () => tokens,
    federation,
    refuseNext: (code) => void refusals.push(code),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

interface Application {
  tenantId: string
  clientId: string
  clientSecret: string
  makeToken: Azurite['makeToken']
}

interface Tenant extends Application {
  federation: Federation
  /** AADSTS numbers that the next requests are refused with. */
  refusals: number[]
}

interface Reply {
  status: number
  body: object
}

async function answer(app: Tenant, request: IncomingMessage): Promise<Reply> {
  const origin = `https://${request.headers.host}`
  const { pathname } = new URL(request.url ?? '/', origin)
  const [tenant = '', ...rest] = pathname.split('/').slice(1)
  const route = `${request.method} ${rest.join('/')}`
  if (route === 'GET discovery/instance') return discovery(origin, app.tenantId)
  if (tenant !== app.tenantId) {
    return refusal(
      400,
      'invalid_request',
      90002,
      `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID.`,
    )
  }
  if (route === 'GET v2.0/.well-known/openid-configuration') return openIdConfiguration(origin, tenant)
  if (route === 'POST oauth2/v2.0/token') return token(app, new URLSearchParams(await text(request)))
  return { status: 404, body: { error: 'not_found' } }
}

/** Checks in Entra's order: the application, its secret or assertion, then what it asks for. */
function token(app: Tenant, form: URLSearchParams): Reply {
  const told = app.refusals.shift()
  if (told !== undefined) return refusal(400, 'invalid_request', told, 'As it was told to.')
  if (form.get('grant_type') !== 'client_credentials') {
    return refusal(400, 'unsupported_grant_type', 70003, 'The app requested an unsupported grant type.')
  }
  if (form.get('client_id') !== app.clientId) {
    const why = `Application with identifier '${form.get('client_id')}' was not found in the directory.`
    return refusal(400, 'unauthorized_client', 700016, why)
  }
  const assertion = form.get('client_assertion')
  if (assertion !== null) {
    const isJwt =
      form.get('client_assertion_type') === 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    const wrong = isJwt ? app.federation.faultOf(assertion) : { code: 7000218, why: 'No assertion.' }
    if (wrong) return refusal(401, 'invalid_client', wrong.code, wrong.why)
  } else if (!isEqual(form.get('client_secret') ?? '', app.clientSecret)) {
    return refusal(401, 'invalid_client', 7000215, 'Invalid client secret provided.')
  }
  const scopes = (form.get('scope') ?? '').split(' ')
  if (!scopes.includes('https://storage.azure.com/.default')) {
    return refusal(
      400,
      'invalid_scope',
      70011,
      `The provided value for scope ${scopes.join(' ')} is not valid.`,
    )
  }
  const access_token = app.makeToken({ appid: app.clientId })
  return { status: 200, body: { token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599, access_token } }
}

/** The shape that MSAL reads: `AADSTS<number>:` in the description, the number in `error_codes`. */
function refusal(status: number, error: string, code: number, why: string): Reply {
  const ids = { trace_id: randomUUID(), correlation_id: randomUUID(), timestamp: new Date().toISOString() }
  return { status, body: { error, error_description: `AADSTS${code}: ${why}`, error_codes: [code], ...ids } }
}

function openIdConfiguration(origin: string, tenant: string): Reply {
  const at = `${origin}/${tenant}`
  return {
    status: 200,
    body: {
      issuer: `${at}/v2.0`,
      authorization_endpoint: `${at}/oauth2/v2.0/authorize`,
      token_endpoint: `${at}/oauth2/v2.0/token`,
      jwks_uri: `${at}/discovery/v2.0/keys`,
      token_endpoint_auth_methods_supported: ['client_secret_post'],
      response_types_supported: ['code'],
      scopes_supported: ['openid'],
    },
  }
}

function discovery(origin: string, tenant: string): Reply {
  const { host } = new URL(origin)
  return {
    status: 200,
    body: {
      tenant_discovery_endpoint: `${origin}/${tenant}/v2.0/.well-known/openid-configuration`,
      'api-version': '1.1',
      metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
    },
  }
}

function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}

function send(response: ServerResponse, { status, body }: Reply): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
  })
  response.end(JSON.stringify(body))
}

/** An identity provider on loopback that signs and answers what a test tells it to, good or not. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose'
import type { Stoppable } from './daemon.ts'

/** What differs from a good provider. Each may be changed between two logins. */
export interface Script {
  /** Takes the place of what an ID token says; undefined as a value: left out. */
  claims?: Record<string, unknown>
  /** What the userinfo endpoint says; undefined: the same as the ID token. */
  userinfo?: Record<string, unknown>
  /** Makes the ID token; undefined: RS256 by the present key. */
  sign?: (claims: Record<string, unknown>, keys: { publicPem: string; kid: string }) => Promise<string>
  /** Parameters of the browser's way back that take the place of the good ones; undefined: left out. */
  callback?: Record<string, string | undefined>
  /** Answers a path itself; true: it has. */
  answer?: (path: string, response: ServerResponse) => boolean
  /** Members of the discovery document that take the place of the good ones. */
  discovery?: Record<string, unknown>
  /** Takes a code more than once. */
  takesCodesTwice?: boolean
}

export interface ScriptedIssuer extends Stoppable {
  url: string
  clientId: string
  clientSecret: string
  script: Script
  /** Paths that were asked for, in order. */
  asked: string[]
  /** From now on another key signs, and the one before is gone. */
  rotateKey(): Promise<void>
  /** A token with these claims, signed by the present key. */
  sign(claims: Record<string, unknown>): Promise<string>
}

interface Key {
  kid: string
  privateKey: CryptoKey
  publicJwk: JWK
  publicPem: string
}

export async function startScriptedIssuer(): Promise<ScriptedIssuer> {
  let key = await newKey()
  const codes = new Map<
    string,
    { nonce: string | null; challenge: string | null; redirectUri: string | null }
  >()
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const issuer: ScriptedIssuer = {
    url,
    clientId: 'signpost',
    clientSecret: 'scripted-client-secret',
    script: {},
    asked: [],
    rotateKey: async () => void (key = await newKey()),
    sign: (claims) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: key.kid }).sign(key.privateKey),
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = new URL(request.url ?? '/', url)
    issuer.asked.push(asked.pathname)
    if (issuer.script.answer?.(asked.pathname, response)) return
    const json = (value: unknown, status = 200) =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    if (asked.pathname === '/.well-known/openid-configuration')
      return json({ ...discovery(url), ...issuer.script.discovery })
    if (asked.pathname === '/jwks') return json({ keys: [key.publicJwk] })
    if (asked.pathname === '/authorize') return authorize(asked.searchParams, response)
    if (asked.pathname === '/token') return token(request, json)
    if (asked.pathname === '/userinfo') return json(issuer.script.userinfo ?? good(null))
    json({ error: 'not_found' }, 404)
  }

  function authorize(asked: URLSearchParams, response: ServerResponse): void {
    const code = randomUUID()
    codes.set(code, {
      nonce: asked.get('nonce'),
      challenge: asked.get('code_challenge'),
      redirectUri: asked.get('redirect_uri'),
    })
    const back = new URL(asked.get('redirect_uri') ?? '')
    const parameters = { code, state: asked.get('state') ?? '', iss: url, ...issuer.script.callback }
    for (const [name, value] of Object.entries(parameters))
      if (value !== undefined) back.searchParams.set(name, value)
    response.writeHead(303, { location: back.href }).end()
  }

  async function token(
    request: IncomingMessage,
    json: (value: unknown, status?: number) => void,
  ): Promise<void> {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const asked = new URLSearchParams(body)
    const basic = Buffer.from(request.headers.authorization?.replace('Basic ', '') ?? '', 'base64').toString()
    // RFC 6749 §2.3.1: each half is encoded as in a form.
    if (decodeURIComponent(basic) !== `${issuer.clientId}:${issuer.clientSecret}`)
      return json({ error: 'invalid_client' }, 401)
    const code = codes.get(asked.get('code') ?? '')
    if (!code || code.redirectUri !== asked.get('redirect_uri')) return json({ error: 'invalid_grant' }, 400)
    if (!issuer.script.takesCodesTwice) codes.delete(asked.get('code') ?? '')
    const hashed = await crypto.subtle.digest('SHA-256', Buffer.from(asked.get('code_verifier') ?? ''))
    if (Buffer.from(hashed).toString('base64url') !== code.challenge)
      return json({ error: 'invalid_grant' }, 400)
    const claims = good(code.nonce)
    const sign = issuer.script.sign ?? ((all) => issuer.sign(all))
    const idToken = await sign(claims, key)
    json({ access_token: randomUUID(), token_type: 'Bearer', expires_in: 60, id_token: idToken })
  }

  function good(nonce: string | null): Record<string, unknown> {
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      iss: url,
      aud: issuer.clientId,
      sub: 'subject-1',
      iat: now,
      exp: now + 300,
      nonce,
      email: 'alice@example.com',
      email_verified: true,
      ...issuer.script.claims,
    }
    return Object.fromEntries(
      Object.entries(claims).filter(([, value]) => value !== undefined && value !== null),
    )
  }

  return issuer
}

function discovery(url: string): Record<string, unknown> {
  return {
    issuer: url,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    jwks_uri: `${url}/jwks`,
    userinfo_endpoint: `${url}/userinfo`,
    end_session_endpoint: `${url}/end`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    authorization_response_iss_parameter_supported: true,
    code_challenge_methods_supported: ['S256'],
  }
}

async function newKey(): Promise<Key> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
  const kid = randomUUID()
  const spki = Buffer.from(await crypto.subtle.exportKey('spki', publicKey)).toString('base64')
  return {
    kid,
    privateKey,
    publicJwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' },
    publicPem: `-----BEGIN PUBLIC KEY-----\n${spki.match(/.{1,64}/g)!.join('\n')}\n-----END PUBLIC KEY-----\n`,
  }
}

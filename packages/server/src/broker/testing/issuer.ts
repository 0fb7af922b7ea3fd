/** An issuer for tests: a real HTTP server with a discovery document and keys, that signs whatever it is told. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose'

export interface TestIssuer {
  /** Without a slash at the end. */
  issuer: string
  /** What it shows at present. */
  keys: JWK[]
  /** What was asked of it, by path. */
  asked: string[]
  /** Takes the place of an answer: of `/keys`, or of the discovery document. */
  answers: Partial<Record<'discovery' | 'keys', (response: ServerResponse) => void>>
  /** Signs with the present key. */
  sign(claims: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
  privateKey(): CryptoKey
  /** A new key takes the place of the old one. */
  rotate(kid: string): Promise<void>
  close(): Promise<void>
}

export async function startIssuer(clock: () => number, alg = 'RS256'): Promise<TestIssuer> {
  let signing: { key: CryptoKey; kid: string }
  const server = createServer((request, response) => {
    testIssuer.asked.push(request.url!)
    const { answers } = testIssuer
    if (request.url === '/keys') {
      if (answers.keys) return answers.keys(response)
      return response.end(JSON.stringify({ keys: testIssuer.keys }))
    }
    if (answers.discovery) return answers.discovery(response)
    if (request.url !== '/.well-known/openid-configuration') return response.writeHead(404).end()
    return response.end(JSON.stringify({ issuer: testIssuer.issuer, jwks_uri: `${testIssuer.issuer}/keys` }))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const testIssuer: TestIssuer = {
    issuer,
    keys: [],
    asked: [],
    answers: {},
    sign: (claims, header = {}) => {
      const now = Math.floor(clock() / 1000)
      return new SignJWT({ iss: issuer, iat: now, exp: now + 300, ...claims })
        .setProtectedHeader({ alg, kid: signing.kid, ...header })
        .sign(signing.key)
    },
    privateKey: () => signing.key,
    async rotate(kid) {
      const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
      signing = { key: privateKey, kid }
      testIssuer.keys = [{ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }]
    },
    close: () => {
      server.closeAllConnections()
      return new Promise((done) => void server.close(() => done()))
    },
  }
  await testIssuer.rotate('first')
  return testIssuer
}

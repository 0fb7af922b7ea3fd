import { createServer } from 'node:http'
import type { Stoppable } from './daemon.ts'

export interface Imds extends Stoppable {
  /** `http://127.0.0.1:PORT`; for AZURE_POD_IDENTITY_AUTHORITY_HOST, before the SDK first asks. */
  endpoint: string
  tokensIssued: () => number
  /** The identities that are assigned to the machine, by client id; the empty one is the system-assigned. */
  assign: (clientId: string, makeToken: () => string) => void
}

/**
 * Azure's Instance Metadata Service, as far as managed identities need it ("How to use managed identities for Azure
 * resources on an Azure VM to acquire an access token"). A stand-in made from that page.
 */
export async function startImds(): Promise<Imds> {
  const identities = new Map<string, () => string>()
  let tokens = 0
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://imds')
    const send = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
      response.end(JSON.stringify(body))
    }
    if (request.headers['metadata'] !== 'true')
      return send(400, {
        error: 'invalid_request',
        error_description: 'Required metadata header not specified',
      })
    const resource = url.searchParams.get('resource')
    const isToken =
      /^\/metadata\/identity\/oauth2\/token\/?$/.test(url.pathname) &&
      url.searchParams.get('api-version') === '2018-02-01'
    if (!isToken || resource !== 'https://storage.azure.com')
      return send(404, { error: 'not_found', error_description: 'No such endpoint' })
    const makeToken = identities.get(url.searchParams.get('client_id') ?? '')
    if (!makeToken) return send(400, { error: 'invalid_request', error_description: 'Identity not found' })
    tokens += 1
    const expires_on = String(Math.floor(Date.now() / 1000) + 3599)
    return send(200, {
      access_token: makeToken(),
      expires_in: '3599',
      expires_on,
      resource,
      token_type: 'Bearer',
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref() // a forgotten stop() must not keep a test process alive
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    endpoint: `http://127.0.0.1:${port}`,
    tokensIssued: () => tokens,
    assign: (clientId, makeToken) => void identities.set(clientId, makeToken),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

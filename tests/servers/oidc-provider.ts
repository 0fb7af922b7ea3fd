/** A certified identity provider (npm's `oidc-provider`) on loopback, with its own pages to log in and to consent. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'
import type { Stoppable } from './daemon.ts'

export interface OidcProvider extends Stoppable {
  issuer: string
  clientId: string
  clientSecret: string
  /** Of the users by the names that they type; nobody has any to begin with. */
  groups: Map<string, string[]>
}

/** `name`: what it is called at the server. Whoever types a name is logged in as it: `alice` has the verified address `alice@example.com`. */
export async function startOidcProvider(publicUrl: string, name: string): Promise<OidcProvider> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // Another site than 127.0.0.1: what a browser keeps back between sites, it keeps back here.
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`
  const groups = new Map<string, string[]>()
  const clientSecret = randomBytes(24).toString('base64url')
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'signpost',
        client_secret: clientSecret,
        redirect_uris: [`${publicUrl}/oidc/callback/${name}`],
        post_logout_redirect_uris: [`${publicUrl}/logout`],
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
    findAccount: (_context, typed) => ({
      accountId: typed,
      claims: async () => ({
        sub: typed,
        name: typed,
        email: `${typed}@example.com`,
        email_verified: true,
        groups: groups.get(typed) ?? [],
      }),
    }),
    pkce: { required: () => true },
    cookies: { keys: [randomBytes(16).toString('hex')] },
  })
  const answer = provider.callback()
  server.on('request', (request, response) => void answer(request, response))
  return {
    issuer,
    clientId: 'signpost',
    clientSecret,
    groups,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

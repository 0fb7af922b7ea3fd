import { randomBytes } from 'node:crypto'
import { startStandIn, type Answer, type Asked, type StandIn } from './stand-in.ts'

export interface CoreweaveExchange extends StandIn {
  organizationId: string
  /** The one OIDC token that is taken. */
  token: string
  /** How many keys were given out. */
  keysIssued: () => number
}

/**
 * CoreWeave's exchange of an OIDC token for a key of AI Object Storage, by its page "Create access key from OIDC". A
 * stand-in: nobody can run CoreWeave's.
 */
export async function startCoreweaveExchange(): Promise<CoreweaveExchange> {
  const [organizationId, token] = ['cw-org', `eyJ.${randomBytes(30).toString('base64url')}.sig`]
  let keys = 0
  const standIn = await startStandIn((asked) => {
    const reply = answer(asked, organizationId, token)
    if (reply.status === 200) keys += 1
    return reply
  })
  return { ...standIn, organizationId, token, keysIssued: () => keys }
}

function answer({ method, path, headers, body }: Asked, organizationId: string, token: string): Answer {
  if (`${method} ${path}` !== 'POST /v1/cwobject/temporary-credentials/oidc') return problem(404, 5)
  if (headers['content-type'] !== 'application/json' || headers.authorization !== undefined)
    return problem(400, 3)
  const { durationSeconds, orgId, oidcToken } = JSON.parse(body) as Record<string, unknown>
  if (typeof durationSeconds !== 'number' || durationSeconds < 0 || durationSeconds > 43_200)
    return problem(400, 3)
  if (orgId !== organizationId || oidcToken !== token) return problem(401, 16)
  return json(200, {
    accessKeyId: `CW${randomBytes(8).toString('hex').toUpperCase()}`,
    secretKey: randomBytes(20).toString('hex'),
    principalName: 'role/https://idp.example:signpost',
    expiry: new Date(Date.now() + durationSeconds * 1000).toISOString(),
    attributes: {},
  })
}

/** gRPC's codes, as its gateways for HTTP write them. */
function problem(status: number, code: number): Answer {
  return json(status, { code, message: 'refused', details: [] })
}

function json(status: number, body: object): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

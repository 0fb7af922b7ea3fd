import { generateKeyPairSync, randomUUID, sign, verify } from 'node:crypto'

/** A platform that makes OIDC tokens for its workloads, and the federated credential that trusts one of them. */
export interface Federation {
  issuer: string
  subject: string
  audience: string
  /** What the platform would write into the workload's file. Claims given here win. */
  makeToken: (claims?: Readonly<Record<string, string | number>>) => string
  /** As Entra checks it; undefined: it is good. */
  faultOf: (token: string) => { code: number; why: string } | undefined
}

/**
 * "Workload identity federation": issuer, subject and audience must be the credential's own, the signature one of the
 * issuer's keys. Numbers as in "Microsoft Entra authentication and authorization error codes".
 */
export function makeFederation(): Federation {
  const issuer = 'https://oidc.example/cluster/'
  const subject = `system:serviceaccount:signpost:${randomUUID().slice(0, 8)}`
  const audience = 'api://AzureADTokenExchange'
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    issuer,
    subject,
    audience,
    makeToken(claims = {}) {
      const now = Math.floor(Date.now() / 1000)
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
      const own = { iss: issuer, sub: subject, aud: audience, iat: now - 60, nbf: now - 60, exp: now + 3600 }
      const signed = `${part({ alg: 'RS256', typ: 'JWT', kid: 'k1' })}.${part({ ...own, ...claims })}`
      return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), privateKey).toString('base64url')}`
    },
    faultOf(token) {
      const claims = claimsIn(token)
      if (!claims) return { code: 50027, why: 'JWT token is invalid or malformed.' }
      const presented = 'No matching federated identity record found for presented assertion'
      if (claims['iss'] !== issuer) return { code: 700211, why: `${presented} issuer.` }
      if (claims['sub'] !== subject) return { code: 700213, why: `${presented} subject.` }
      if (claims['aud'] !== audience) return { code: 700212, why: `${presented} audience.` }
      const signed = token.slice(0, token.lastIndexOf('.'))
      const signature = Buffer.from(token.slice(signed.length + 1), 'base64url')
      if (!verify('RSA-SHA256', Buffer.from(signed), publicKey, signature))
        return { code: 700027, why: 'Client assertion failed signature validation.' }
      const now = Date.now() / 1000
      return now > Number(claims['exp']) || now < Number(claims['nbf'])
        ? { code: 700024, why: 'Client assertion is not within its valid time range.' }
        : undefined
    },
  }
}

function claimsIn(token: string): Record<string, unknown> | undefined {
  const [, payload = '', ...rest] = token.split('.')
  if (rest.length !== 1) return undefined
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
  } catch {
    return undefined
  }
}

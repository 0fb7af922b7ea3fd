/** From the text of an event that issued a URL to what a matcher needs of it. */
import type { AuditEvent } from '@signpost/contract'
import { membershipOf } from '../domain/network.ts'
import { ownTime } from './log-time.ts'
import { readIssuedText, type IssuedEvent } from './issued-text.ts'
import type { GrantFacts, GrantNetworks } from './verdict.ts'

/** Building a list of networks takes microseconds, and there are few: kept as long as the reader is. */
const networksMax = 1000

export function createGrantReader(): (text: string) => GrantFacts | undefined {
  const known = new Map<string, GrantNetworks>()
  const networksOf = (text: string): GrantNetworks => {
    let networks = known.get(text)
    if (!networks) {
      if (known.size >= networksMax) known.clear()
      const texts = text.split(' ').filter(Boolean)
      known.set(text, (networks = { texts, holds: membershipOf(texts) }))
    }
    return networks
  }
  return (text) => grantOf(readIssuedText(text) ?? (JSON.parse(text) as AuditEvent), networksOf)
}

/** Undefined: it issued nothing. */
function grantOf(event: IssuedEvent, networksOf: (text: string) => GrantNetworks): GrantFacts | undefined {
  const { type, decision, grantId, expiresAt, principalId, username, apiKeyId, team, connector } = event
  const { bucket, key, action, method, details } = event
  if (type !== 'url.issue' || decision !== 'allow' || grantId === undefined) return undefined
  if (expiresAt === undefined || key === undefined || action === undefined || method === undefined)
    return undefined
  const networks = details?.['networks']
  return {
    grantId,
    issuedAt: ownTime(event.at) ?? Date.parse(event.at),
    expiresAt: ownTime(expiresAt) ?? Date.parse(expiresAt),
    principalId: principalId ?? '',
    username: username ?? '',
    apiKeyId: apiKeyId ?? '',
    team: team ?? '',
    connector: connector ?? '',
    bucket: bucket ?? '',
    key,
    action,
    method: method as GrantFacts['method'],
    marker: event.marker ?? null,
    signer: event.signer ?? null,
    networks: typeof networks === 'string' ? networksOf(networks) : null,
    askedFrom: event.address ?? null,
    contentLength: numberIn(details, 'contentLength'),
    contentLengthMax: numberIn(details, 'contentLengthMax'),
    storeUploadId: textIn(details, 'storeUploadId'),
    partNumber: event.partNumber ?? null,
  }
}

function numberIn(details: AuditEvent['details'], name: string): number | null {
  const value = details?.[name]
  return typeof value === 'number' ? value : null
}

function textIn(details: AuditEvent['details'], name: string): string | null {
  const value = details?.[name]
  return typeof value === 'string' ? value : null
}

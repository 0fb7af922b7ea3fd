/** The audit event of a URL that was issued, which is also its grant: written out at once, since a batch has thousands. */
import { hash } from 'node:crypto'
import type { LimitedBy } from '@signpost/contract'
import type { SignedRequest, SignRequest } from '../domain/connector.ts'
import { isoOf } from '../domain/instant.ts'
import { jsonString } from '../domain/json-text.ts'
import type { TargetRow } from '../store/store.ts'
import type { EventCommon, WrittenEvent } from '../store/written-event.ts'
import type { Caller, NamedConnector } from './deps.ts'
import type { EventFields } from './event-of.ts'

/** What all URLs of one call have in common. */
export interface IssuedEventSource {
  newId: () => string
  caller: Caller
  target: Pick<TargetRow, 'team'>
  named: Pick<NamedConnector, 'name' | 'bucket'>
  signedAt: number
}

export interface IssuedParts {
  request: Pick<SignRequest, 'key' | 'action' | 'method' | 'marker'>
  signed: Pick<SignedRequest, 'marker' | 'signer' | 'signature'>
  expiresAt: string
  limitedBy: LimitedBy
  /** By which rule it was allowed. */
  reason: string
  fields?: EventFields | undefined
}

export type IssuedEventWriter = (parts: IssuedParts) => WrittenEvent

export function createIssuedEventWriter(source: IssuedEventSource): IssuedEventWriter {
  const { newId, caller, target, named, signedAt } = source
  const common: EventCommon = {
    at: signedAt,
    type: 'url.issue',
    decision: 'allow',
    principalId: caller.principal.id,
    username: caller.principal.username,
    team: target.team,
    connector: named.name,
  }
  // In a batch it is written out once for all that are allowed by the same rule.
  let begun = { reason: '', text: '' }
  let known = { signer: '', text: '""' }
  const signerText = (signer: string) => {
    if (known.signer !== signer) known = { signer, text: jsonString(signer) }
    return known.text
  }
  return ({ request, signed, expiresAt, limitedBy, reason, fields }) => {
    if (begun.reason !== reason) begun = { reason, text: beginningOf(source, reason) }
    const { key, action, method, marker } = request
    const text =
      `{"id":"${newId()}",${begun.text},"key":${jsonString(key)},"action":"${action}","method":"${method}",` +
      `"grantId":"${marker.grantId}","expiresAt":"${expiresAt}","limitedBy":"${limitedBy}"` +
      (signed.marker === null ? '' : `,"marker":${jsonString(signed.marker)}`) +
      `,"signer":${signerText(signed.signer)},"signatureDigest":"${hash('sha256', signed.signature)}"` +
      `${moreText(fields)}}`
    return { text, common, action, key, grantId: marker.grantId }
  }
}

function moreText(fields: EventFields | undefined): string {
  const text = fields === undefined ? '{}' : JSON.stringify(fields)
  return text === '{}' ? '' : `,${text.slice(1, -1)}`
}

/**
 * What stands between an event's id and its object key, which is the same for all items: `whoOf` and what was asked of, in a
 * text. From an object it would take twice as long, and a URL that is asked for alone has one of its own.
 */
function beginningOf({ caller, target, named, signedAt }: IssuedEventSource, reason: string): string {
  const { principal, call } = caller
  return (
    `"at":"${isoOf(signedAt)}","type":"url.issue","decision":"allow","reason":${jsonString(reason)},` +
    `"principalId":${jsonString(principal.id)},"principalKind":"${principal.kind}",` +
    `"username":${jsonString(principal.username)},"apiKeyId":${jsonString(principal.apiKeyId)},` +
    (principal.keyKind === 'apiKey' ? '' : `"keyKind":"${principal.keyKind}",`) +
    `"address":${jsonString(call.address)},` +
    (call.agent === undefined ? '' : `"agent":${jsonString(call.agent)},`) +
    `"requestId":${jsonString(call.requestId)},"team":${jsonString(target.team)},` +
    `"connector":${jsonString(named.name)},"bucket":${jsonString(named.bucket)}`
  )
}

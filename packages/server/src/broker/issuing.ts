/** What one and many URLs have in common: the target, opened and ready to sign, and the signing of one item for it. */
import { hash } from 'node:crypto'
import {
  SignpostError,
  type AuditEvent,
  type Enforcement,
  type IssuedUrl,
  type LimitedBy,
  type UrlMethod,
  type UrlRequest,
} from '@signpost/contract'
import type { MarkerSource, SignedRequest, SignRequest } from '../domain/connector.ts'
import { expiryOf, type Expiry } from '../domain/expiry.ts'
import { isoOf } from '../domain/instant.ts'
import { keyInBucket, keyRuleSentence, objectKeyProblem } from '../domain/object-key.ts'
import type { TargetRow } from '../store/store.ts'
import type { BrokerDeps, Caller, NamedConnector, Policy } from './deps.ts'
import { whoOf, type EventFields } from './event-of.ts'
import { checkConstraints, methodOf } from './url-item.ts'

/** Slack for the time between asking for a credential's life and signing. */
const preparationMs = 60_000

/** Everything that does not change from one item of a request to the next. */
export interface Issuing {
  deps: BrokerDeps
  who: ReturnType<typeof whoOf>
  principal: Caller['principal']
  target: Target
  named: NamedConnector
  /** ms since the epoch, one for all items of a chunk */
  signedAt: number
  at: string
  latest: { at: number; limitedBy: 'provider' | 'credential' }
  /** The last expiry that was written out: in a batch nearly all have the same. */
  lastExpiry: { at: number; text: string }
}

/** Where a team's objects are. */
export type Target = Pick<TargetRow, 'teamId' | 'team' | 'prefix' | 'connectorId' | 'connectorVersion'>

export interface Issued {
  reply: IssuedUrl
  event: AuditEvent
}

/** Opens the team's connector and sees to its credential: at once where both are there. */
export function openIssuing(deps: BrokerDeps, caller: Caller, target: Target): Issuing | Promise<Issuing> {
  const named = openTarget(deps, target)
  return named instanceof Promise
    ? named.then((opened) => prepareIssuing(deps, caller, target, opened))
    : prepareIssuing(deps, caller, target, named)
}

function prepareIssuing(
  deps: BrokerDeps,
  caller: Caller,
  target: Target,
  named: NamedConnector,
): Issuing | Promise<Issuing> {
  const { connector } = named
  const asked = deps.clock()
  const until = asked + policyMaxSeconds(deps.policy) * 1000 + preparationMs
  const preparing = connector.prepare(Math.min(until, connector.latestExpiry(asked).at))
  return preparing
    ? preparing.then(() => issuingNow(deps, caller, target, named))
    : issuingNow(deps, caller, target, named)
}

function issuingNow(deps: BrokerDeps, caller: Caller, target: Target, named: NamedConnector): Issuing {
  const { connector } = named
  const signedAt = deps.clock()
  return {
    deps,
    who: whoOf(caller),
    principal: caller.principal,
    target,
    named,
    signedAt,
    at: isoOf(signedAt),
    latest: connector.latestExpiry(signedAt),
    lastExpiry: { at: 0, text: '' },
  }
}

export function openTarget(deps: BrokerDeps, target: Target): NamedConnector | Promise<NamedConnector> {
  if (target.connectorId === null || target.connectorVersion === null) {
    throw new SignpostError(
      'credential_unavailable',
      'This team has no connector, and the organisation has no default one: connect a bucket first.',
    )
  }
  return deps.connectors.open(target.connectorId, target.connectorVersion)
}

/** Signs one item that is allowed (`reason` says by which rule). Nothing is recorded yet: the event is in the answer. */
export function issueItem(issuing: Issuing, item: UrlRequest, reason: string): Issued | Promise<Issued> {
  const method = methodOf(item)
  const keyProblem = objectKeyProblem(issuing.target.prefix, item.key)
  if (keyProblem) {
    throw new SignpostError('invalid_key', `key: ${keyRuleSentence(keyProblem)}.`, { field: 'key' })
  }
  checkConstraints(item, method)
  const request: SignRequest = {
    action: item.action,
    method,
    key: keyInBucket(issuing.target.prefix, item.key),
    signedAt: issuing.signedAt,
    expiresAt: 0,
    marker: markerOf(issuing),
  }
  const limitedBy = setExpiry(issuing, request, item.expiresInSeconds, item.expiryMode)
  if (item.contentType !== undefined) request.contentType = item.contentType
  if (item.contentLength !== undefined) request.contentLength = item.contentLength
  if (item.checksum !== undefined) request.checksum = item.checksum
  if (item.createOnly !== undefined) request.createOnly = item.createOnly
  if (item.downloadAs !== undefined) request.downloadAs = item.downloadAs
  return signRequest(issuing, request, limitedBy, reason)
}

/** Signs what is decided, and writes the event that tells of it. */
export function signRequest(
  issuing: Issuing,
  request: SignRequest,
  limitedBy: LimitedBy,
  reason: string,
  fields?: EventFields,
): Issued | Promise<Issued> {
  const signed = issuing.named.connector.sign(request)
  return signed instanceof Promise
    ? signed.then((ready) => issuedOf(issuing, request, ready, limitedBy, reason, fields))
    : issuedOf(issuing, request, signed, limitedBy, reason, fields)
}

function issuedOf(
  issuing: Issuing,
  request: SignRequest,
  signed: SignedRequest,
  limitedBy: LimitedBy,
  reason: string,
  fields: EventFields | undefined,
): Issued {
  const { named, target } = issuing
  const expiresAt = expiryText(issuing, request.expiresAt)
  const { grantId } = request.marker
  const event: AuditEvent = {
    id: issuing.deps.newId(),
    at: issuing.at,
    type: 'url.issue',
    decision: 'allow',
    reason,
    ...issuing.who,
    team: target.team,
    connector: named.name,
    bucket: named.bucket,
    key: request.key,
    action: request.action,
    method: request.method,
    grantId,
    expiresAt,
    limitedBy,
  }
  if (signed.marker !== null) event.marker = signed.marker
  event.signatureDigest = hash('sha256', signed.signature)
  if (fields) Object.assign(event, fields)
  return {
    reply: replyOf(grantId, request.method, signed, expiresAt, limitedBy, signed.enforcement),
    event,
  }
}

function expiryText({ lastExpiry }: Issuing, at: number): string {
  if (lastExpiry.at !== at) {
    lastExpiry.at = at
    lastExpiry.text = isoOf(at)
  }
  return lastExpiry.text
}

function replyOf(
  grantId: string,
  method: UrlMethod,
  signed: SignedRequest,
  expiresAt: string,
  limitedBy: LimitedBy,
  enforcement: Enforcement,
): IssuedUrl {
  return {
    grantId,
    method,
    url: signed.url,
    headers: signed.headers,
    successStatuses: signed.successStatuses,
    expiresAt,
    limitedBy,
    enforcement,
    ...(signed.etagExpected === undefined ? {} : { etagExpected: signed.etagExpected }),
  }
}

export function markerOf({ principal, deps }: Issuing): MarkerSource {
  return {
    username: principal.username,
    pseudonym: principal.pseudonym,
    scid: principal.scid,
    grantId: deps.newId(),
  }
}

/** Puts the expiry into the request and answers what limited it. */
export function setExpiry(
  issuing: Issuing,
  request: SignRequest,
  askedSeconds: number | undefined,
  mode: 'shorten' | 'exact',
): LimitedBy {
  const { policy } = issuing.deps
  const expiry = expiryOf({
    now: issuing.signedAt,
    askedSeconds,
    mode,
    policy:
      request.action === 'read'
        ? { defaultSeconds: policy.readSecondsDefault, maxSeconds: policy.readSecondsMax }
        : { defaultSeconds: policy.writeSecondsDefault, maxSeconds: policy.writeSecondsMax },
    latest: issuing.latest,
  })
  if (expiry.outcome !== 'possible') throw expiryError(expiry)
  request.expiresAt = expiry.expiresAt
  return expiry.limitedBy
}

function expiryError(expiry: Exclude<Expiry, { outcome: 'possible' }>): SignpostError {
  if (expiry.outcome === 'credential_ended') {
    return new SignpostError('credential_unavailable', "The credential of the team's connector has expired.")
  }
  return new SignpostError(
    'expiry_not_possible',
    `expiresInSeconds: at most ${expiry.maxSeconds} seconds are possible now (limited by the ${expiry.limitedBy}).`,
    { field: 'expiresInSeconds' },
  )
}

function policyMaxSeconds(policy: Policy): number {
  return Math.max(policy.readSecondsMax, policy.writeSecondsMax)
}

/** What one and many URLs have in common: the signing of one item for a target that is open. */
import {
  SignpostError,
  type Action,
  type IssuedUrl,
  type LimitedBy,
  type UrlMethod,
  type UrlRequest,
} from '@signpost/contract'
import { checkCaps } from './caps.ts'
import { audienceOf } from '../domain/audience.ts'
import type { Decision } from '../domain/decide-access.ts'
import type { MarkerSource, SignedRequest, Signer, SigningScope, SignRequest } from '../domain/connector.ts'
import { isoOf } from '../domain/instant.ts'
import { keyInBucket, keyRuleSentence, objectKeyProblem } from '../domain/object-key.ts'
import type { Statement } from '../store/store.ts'
import type { WrittenEvent } from '../store/written-event.ts'
import { doorDetails } from './door-details.ts'
import type { EventFields } from './event-of.ts'
import type { Issuing, ReadySigner } from './open-issuing.ts'
import { setExpiry } from './set-expiry.ts'
import { checkConstraints, methodOf } from './url-item.ts'
import { lookLater } from './verification/look-later.ts'

/** What a caller says about the life of a URL, and for which of the bucket's addresses it is. */
export interface Wish {
  audience?: string | undefined
  expiresInSeconds?: number | undefined
  expiryMode: 'shorten' | 'refuse' | 'exact'
}

export interface Issued {
  reply: IssuedUrl
  event: WrittenEvent
  /** Remembers to look at what is written, where no store holds the client to it. */
  look?: Statement
}

/** Signs one item that is allowed by this decision. Nothing is recorded yet: the event is in the answer. */
export function issueItem(issuing: Issuing, item: UrlRequest, decision: Decision): Issued | Promise<Issued> {
  return issuing.placeFor === undefined
    ? issueHere(issuing, item, decision)
    : issuing.placeFor(item).then(async (place) => issueHere(place, item, decision))
}

function issueHere(issuing: Issuing, item: UrlRequest, decision: Decision): Issued | Promise<Issued> {
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
  if (item.contentType !== undefined) request.contentType = item.contentType
  if (item.contentLength !== undefined) request.contentLength = item.contentLength
  if (item.contentLengthRange !== undefined) request.contentLengthRange = item.contentLengthRange
  if (item.checksum !== undefined) request.checksum = item.checksum
  if (item.createOnly !== undefined) request.createOnly = item.createOnly
  if (item.downloadAs !== undefined) request.downloadAs = item.downloadAs
  return signRequest(issuing, request, item, decision)
}

/** Takes of the budgets, signs what is decided, and writes the event that tells of it. */
export function signRequest(
  issuing: Issuing,
  request: SignRequest,
  wish: Wish,
  decision: Decision,
  fields?: EventFields,
): Issued | Promise<Issued> {
  if (decision.limits !== undefined) checkCaps(decision.limits, request)
  if (issuing.budget === undefined) return signDecided(issuing, request, wish, decision, fields)
  const taken = issuing.budget.take(request)
  const keep = (issued: Issued) => {
    taken.keep(request.expiresAt)
    return issued
  }
  const giveBack = (error: unknown): never => {
    taken.giveBack()
    throw error
  }
  try {
    const issued = signDecided(issuing, request, wish, decision, fields)
    return issued instanceof Promise ? issued.then(keep, giveBack) : keep(issued)
  } catch (error) {
    return giveBack(error)
  }
}

/** Gets the signer, and sets the expiry. */
function signDecided(
  issuing: Issuing,
  request: SignRequest,
  wish: Wish,
  decision: Decision,
  fields: EventFields | undefined,
): Issued | Promise<Issued> {
  const { policy } = issuing
  if (policy.writes !== undefined && request.action === 'write') request.writes = policy.writes
  if (policy.networks.length > 0) request.networks = policy.networks
  const ready = signerFor(issuing, request.action, wish)
  return ready instanceof Promise
    ? ready.then((got) => signWith(issuing, got, request, wish, decision, fields))
    : signWith(issuing, ready, request, wish, decision, fields)
}

function signWith(
  issuing: Issuing,
  { signer, latest, audience }: ReadySigner,
  request: SignRequest,
  wish: Wish,
  { reason, limits }: Decision,
  fields: EventFields | undefined,
): Issued | Promise<Issued> {
  const limitedBy = setExpiry(issuing, latest, request, wish, limits)
  const door = doorDetails(request)
  const told =
    audience === undefined && door === undefined
      ? fields
      : {
          ...fields,
          details: { ...fields?.details, ...(audience === undefined ? {} : { audience }), ...door },
        }
  const signed = signer.sign(request)
  return signed instanceof Promise
    ? signed.then((done) => issuedOf(issuing, request, done, limitedBy, reason, told, audience))
    : issuedOf(issuing, request, signed, limitedBy, reason, told, audience)
}

/** The signer for an action and an address; the one before again where it does for this one too. */
function signerFor(issuing: Issuing, action: Action, wish: Wish): ReadySigner | Promise<ReadySigner> {
  const { policy, signedAt, named, ready } = issuing
  if (wish.expiryMode === 'exact' && wish.expiresInSeconds === undefined)
    throw new SignpostError('invalid', 'expiresInSeconds: goes with expiryMode exact.', {
      field: 'expiresInSeconds',
    })
  const audience =
    named.audiences === undefined
      ? noAudience(wish.audience)
      : audienceOf(named.audiences, wish, issuing.address)
  const { defaultSeconds, maxSeconds } = policy.expiry[action]
  const until = signedAt + Math.min(wish.expiresInSeconds ?? defaultSeconds, maxSeconds) * 1000
  if (ready && ready.action === action && ready.audience === audience && ready.until >= until) return ready
  const keep = (signer: Signer): ReadySigner =>
    (issuing.ready = { action, audience, until, signer, latest: signer.latestExpiry(signedAt) })
  const signer = named.connector.signer(scopeOf(issuing, action, audience, until))
  return signer instanceof Promise ? signer.then(keep) : keep(signer)
}

function scopeOf(
  issuing: Issuing,
  action: Action,
  audience: string | undefined,
  until: number,
): SigningScope {
  const { principal, target, policy } = issuing
  const scope: SigningScope = {
    requester: principal,
    team: target.team,
    prefix: target.prefix,
    action,
    networks: policy.networks,
    until,
  }
  if (audience !== undefined) scope.audience = audience
  return scope
}

function noAudience(asked: string | undefined): undefined {
  if (asked !== undefined)
    throw new SignpostError('invalid', 'audience: this connector has none; leave it out.', {
      field: 'audience',
    })
}

function issuedOf(
  issuing: Issuing,
  request: SignRequest,
  signed: SignedRequest,
  limitedBy: LimitedBy,
  reason: string,
  fields: EventFields | undefined,
  audience: string | undefined,
): Issued {
  const expiresAt = expiryText(issuing, request.expiresAt)
  const { grantId } = request.marker
  const look = request.action === 'write' ? lookLater(issuing, request, signed.enforcement) : undefined
  const issued: Issued = {
    reply: replyOf(grantId, request.method, signed, expiresAt, limitedBy, audience),
    event: issuing.writeEvent({ request, signed, expiresAt, limitedBy, reason, fields }),
  }
  if (look !== undefined) issued.look = look
  return issued
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
  audience: string | undefined,
): IssuedUrl {
  const reply: IssuedUrl = {
    grantId,
    method,
    url: signed.url,
    headers: signed.headers,
    successStatuses: signed.successStatuses,
    expiresAt,
    limitedBy,
    enforcement: signed.enforcement,
  }
  if (signed.fields !== undefined) reply.fields = signed.fields
  if (audience !== undefined) reply.audience = audience
  if (signed.etagExpected !== undefined) reply.etagExpected = signed.etagExpected
  return reply
}

export function markerOf({ principal, deps }: Issuing): MarkerSource {
  return {
    username: principal.username,
    pseudonym: principal.pseudonym,
    scid: principal.scid,
    grantId: deps.newId(),
  }
}

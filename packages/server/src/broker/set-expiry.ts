/** The life of a URL: asked for, limited by policy, restrictions and credential, and what is told of it. */
import { SignpostError, type LimitedBy } from '@signpost/contract'
import type { SignRequest } from '../domain/connector.ts'
import type { Caps } from '../domain/decide-access.ts'
import { expiryOf, type Expiry } from '../domain/expiry.ts'
import { cappedLife } from './caps.ts'
import type { Wish } from './issuing.ts'
import type { Issuing, ReadySigner } from './open-issuing.ts'

/** Puts the expiry into the request and answers what limited it. */
export function setExpiry(
  { signedAt, policy }: Issuing,
  latest: ReadySigner['latest'],
  request: SignRequest,
  { expiresInSeconds, expiryMode }: Pick<Wish, 'expiresInSeconds' | 'expiryMode'>,
  limits: Caps | undefined,
): LimitedBy {
  const expiry = expiryOf({
    now: signedAt,
    askedSeconds: expiresInSeconds,
    mode: expiryMode,
    policy: cappedLife(policy.expiry[request.action], limits?.[`${request.action}SecondsMax`]),
    latest,
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

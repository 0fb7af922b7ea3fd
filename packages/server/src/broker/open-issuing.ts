/** The target of a request for URLs, opened: what does not change from one item to the next. */
import { SignpostError, type Action, type UrlRequest } from '@signpost/contract'
import type { Signer } from '../domain/connector.ts'
import { objectKeyProblem } from '../domain/object-key.ts'
import type { EffectivePolicy } from '../domain/policy.ts'
import type { TargetRow } from '../store/store.ts'
import { budgetUseOf, type BudgetUse } from './budget-use.ts'
import type { BrokerDeps, Caller, NamedConnector } from './deps.ts'
import { createIssuedEventWriter, type IssuedEventWriter } from './issued-event.ts'
import { openSettling } from './move/settling.ts'

/** Everything that does not change from one item of a request to the next. */
export interface Issuing {
  deps: BrokerDeps
  principal: Caller['principal']
  target: Target
  named: NamedConnector
  /** Where the caller is. */
  address: string
  policy: EffectivePolicy
  /** ms since the epoch, one for all items of a chunk */
  signedAt: number
  writeEvent: IssuedEventWriter
  /** While the team's move settles: which of the two places an item is for. */
  placeFor?: (item: UrlRequest) => Promise<Issuing>
  /** The last signer that was got: in a batch nearly all items take the same. */
  ready: ReadySigner | undefined
  /** Undefined: no budget counts here. */
  budget: BudgetUse | undefined
  /** The last expiry that was written out: in a batch nearly all have the same. */
  lastExpiry: { at: number; text: string }
}

/** Where a team's objects are. */
export type Target = Omit<TargetRow, 'role'>

/** A signer, and what it was got for. */
export interface ReadySigner {
  action: Action
  audience: string | undefined
  until: number
  signer: Signer
  latest: { at: number; limitedBy: 'provider' | 'credential' }
}

/** Opens the team's connector: at once where it is open. */
export function openIssuing(deps: BrokerDeps, caller: Caller, target: Target): Issuing | Promise<Issuing> {
  return target.settlingMove === null
    ? openPlaceOf(deps, caller, target)
    : openSettlingIssuing(deps, caller, target)
}

async function openSettlingIssuing(deps: BrokerDeps, caller: Caller, target: Target): Promise<Issuing> {
  const settling = await openSettling(deps, target)
  const issuing = await openPlaceOf(deps, caller, target)
  if (!settling) return issuing
  const old = await openPlaceOf(deps, caller, settling.oldTarget)
  old.budget = issuing.budget
  issuing.placeFor = async ({ action, key, expiresInSeconds }) => {
    if (objectKeyProblem(target.prefix, key)) return issuing
    const { maxSeconds } = [issuing, old]
      .map(({ policy }) => policy.expiry.write)
      .reduce((one, other) => (one.maxSeconds > other.maxSeconds ? one : other))
    const until = deps.clock() + Math.min(expiresInSeconds ?? maxSeconds, maxSeconds) * 1000
    const place = action === 'read' ? await settling.forRead(key) : await settling.forWrite(key, until)
    return place === 'old' ? old : issuing
  }
  return issuing
}

function openPlaceOf(deps: BrokerDeps, caller: Caller, target: Target): Issuing | Promise<Issuing> {
  const named = openTarget(deps, target)
  return named instanceof Promise
    ? named.then((opened) => issuingNow(deps, caller, target, opened))
    : issuingNow(deps, caller, target, named)
}

function issuingNow(deps: BrokerDeps, caller: Caller, target: Target, named: NamedConnector): Issuing {
  const signedAt = deps.clock()
  return {
    deps,
    principal: caller.principal,
    address: caller.call.address,
    target,
    named,
    policy: deps.policies(target.connectorPolicy, target.teamPolicy),
    signedAt,
    writeEvent: createIssuedEventWriter({ newId: deps.newId, caller, target, named, signedAt }),
    ready: undefined,
    budget: budgetUseOf(deps, target, caller.principal.id),
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

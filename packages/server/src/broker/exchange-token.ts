/** A platform's own token -> an access token of ours, by the first trust rule (by name) that takes it. */
import { SignpostError, type AuditEvent, type KeyScope } from '@signpost/contract'
import { makeApiKey } from '../domain/api-key.ts'
import { isoOf } from '../domain/instant.ts'
import type { CallContext } from '../domain/principal.ts'
import { narrowedScope } from '../domain/trust-rule.ts'
import { insertApiKey } from '../store/api-keys.ts'
import { holdTrustRule, listTrustRulesOf } from '../store/trust-rules.ts'
import type { BrokerDeps } from './deps.ts'
import { verdictsOf, type RuleVerdict } from './match-trust-rules.ts'
import type { Grant, IssuedToken, RefusedGrant } from './token-grants.ts'
import { cameByRule } from './trust-rule-record.ts'

const tokenTypes = 'urn:ietf:params:oauth:token-type:'

/** RFC 7523 §2.1. */
export const redeemAssertion: Grant = (deps, form, call) => exchange(deps, call, form, form.get('assertion'))

/** RFC 8693 §2.1. Nobody acts for another here, so there is no actor. */
export const exchangeToken: Grant = async (deps, form, call) => {
  const type = form.get('subject_token_type')
  if (type !== `${tokenTypes}jwt` && type !== `${tokenTypes}id_token`)
    return invalidRequest(`subject_token_type: must be ${tokenTypes}jwt or ${tokenTypes}id_token.`)
  const requested = form.get('requested_token_type') ?? `${tokenTypes}access_token`
  if (requested !== `${tokenTypes}access_token`)
    return invalidRequest(`requested_token_type: only ${tokenTypes}access_token is issued.`)
  if (form.has('actor_token')) return invalidRequest('actor_token: is not taken.')
  const issued = await exchange(deps, call, form, form.get('subject_token'))
  return 'error' in issued ? issued : { ...issued, issuedTokenType: requested }
}

async function exchange(
  deps: BrokerDeps,
  call: CallContext,
  form: ReadonlyMap<string, string>,
  token: string | undefined,
): Promise<IssuedToken | RefusedGrant> {
  if (token === undefined) return invalidRequest('The token of the workload is missing.')
  const read = deps.identityTokens.issuerOf(token)
  if ('problem' in read) return refuse(deps, call, read.problem.reason)
  const details = { issuer: recordable(read.issuer) }
  const rows = await listTrustRulesOf(deps.store.db, read.issuer)
  if (rows.length === 0) return refuse(deps, call, 'unknown_issuer', details)
  const verdicts = await verdictsOf(deps, token, rows)
  const chosen = verdicts.find(({ problem }) => problem === undefined)
  const unavailable = verdicts.find((verdict) => verdict.unavailable)?.unavailable
  if (!chosen && unavailable) {
    await deps.refusals.record(call, { type: 'auth.token', reason: 'issuer_unavailable', details })
    throw unavailable
  }
  if (!chosen) return refuse(deps, call, commonReason(verdicts), { ...details, ...subjectOf(verdicts) })
  const scope = narrowedScope(chosen.settings.scope, form.get('scope'))
  if (scope === null) {
    await deps.refusals.record(call, { type: 'auth.token', reason: 'scope', ...known(chosen) })
    return {
      error: 'invalid_scope',
      description: 'scope: nothing of it may be given; it takes read, write, delete and manage.',
    }
  }
  return issue(deps, call, chosen, scope)
}

/** One sentence for every way to fail: it does not help to find out which rules there are. */
async function refuse(
  deps: BrokerDeps,
  call: CallContext,
  reason: string,
  details: Record<string, string> = {},
): Promise<RefusedGrant> {
  await deps.refusals.record(call, { type: 'auth.token', reason, details })
  return {
    error: 'invalid_grant',
    description:
      'No trust rule takes this token; who manages identity can ask why: signpost trust-rule test.',
  }
}

async function issue(
  deps: BrokerDeps,
  call: CallContext,
  { row: rule, settings, token: identity }: RuleVerdict,
  scope: KeyScope | undefined,
): Promise<IssuedToken | RefusedGrant> {
  const { db } = deps.store
  const { id, token, secretHash } = makeApiKey(deps.randomBytes, 'accessToken')
  const now = deps.clock()
  // Never after what it was given for.
  const expiresAt = Math.min(now + settings.tokenSeconds * 1000, identity!.expiresAt)
  const key = {
    id,
    principal_id: rule.principal_id,
    name: `trust rule ${rule.name}`,
    secret_hash: secretHash,
    created_at: now,
    expires_at: expiresAt,
    last_used_at: null,
    kind: 'accessToken' as const,
    scope: scope === undefined ? '' : JSON.stringify(scope),
    came_by: cameByRule(rule),
  }
  const event: AuditEvent = {
    id: deps.newId(),
    at: isoOf(now),
    type: 'auth.token',
    decision: 'allow',
    reason: 'trust_rule',
    principalId: rule.principal_id,
    principalKind: rule.principalKind,
    username: rule.username,
    apiKeyId: id,
    keyKind: 'accessToken',
    address: call.address,
    ...(call.agent === undefined ? {} : { agent: call.agent }),
    requestId: call.requestId,
    expiresAt: isoOf(expiresAt),
    details: { rule: rule.name, issuer: rule.issuer, ...subjectOf([{ token: identity }]) },
  }
  try {
    await deps.store.commit({ statements: [holdTrustRule(db, rule), insertApiKey(db, key)], events: [event] })
  } catch (error) {
    // The rule was changed, or its user is gone, since it was read.
    if (!(error instanceof SignpostError) || error.code !== 'conflict') throw error
    return refuse(deps, call, 'rule_changed', { rule: rule.name })
  }
  const words = scope === undefined ? undefined : (scope.actions ?? ['read', 'write', 'delete']).join(' ')
  return {
    accessToken: token,
    expiresInSeconds: Math.floor((expiresAt - now) / 1000),
    ...(words === undefined ? {} : { scope: words }),
  }
}

function known({ row, token }: RuleVerdict) {
  return { details: { for: row.username, rule: row.name, issuer: row.issuer, ...subjectOf([{ token }]) } }
}

/** Whose token it is, and which, where its signature is good: nobody else's words reach the record. */
function subjectOf(verdicts: readonly Pick<RuleVerdict, 'token'>[]): { subject?: string; tokenId?: string } {
  const claims = verdicts.find(({ token }) => token)?.token?.claims
  const { sub, jti } = claims ?? {}
  return {
    ...(typeof sub === 'string' ? { subject: recordable(sub) } : {}),
    ...(typeof jti === 'string' ? { tokenId: recordable(jti) } : {}),
  }
}

const recordable = (text: string) => text.slice(0, 256).toWellFormed()

function commonReason(verdicts: readonly RuleVerdict[]): string {
  const reasons = new Set(verdicts.map(({ problem }) => problem!.reason))
  return reasons.size === 1 ? [...reasons][0]! : 'no_rule'
}

function invalidRequest(description: string): RefusedGrant {
  return { error: 'invalid_request', description }
}

/** Trust rules: which workloads' own tokens are taken, and for whom. Whoever makes one could be whom it names. */
import {
  SignpostError,
  type AuditEventType,
  type ParsedInput,
  type Reply,
  type TrustRule,
} from '@signpost/contract'
import { hasSecretHalf, publicKeysOf } from '../domain/public-keys.ts'
import { requireOwnerNamed } from '../domain/shared-issuers.ts'
import { deleteKeysThatCameBy } from '../store/logins.ts'
import { pageOfRows, readTextCursor } from '../store/page.ts'
import { findPrincipal, type NamedPrincipalRow } from '../store/principals.ts'
import {
  deleteTrustRule as deleteTrustRuleRow,
  findTrustRule,
  insertTrustRule,
  listTrustRules as listTrustRuleRows,
  updateTrustRule as updateTrustRuleRow,
  type OwnedTrustRuleRow,
} from '../store/trust-rules.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf, type EventFields } from './event-of.ts'
import { checkPlainText, requireFree, requireOrganisation } from './gate.ts'
import { mayActFor } from './give-role.ts'
import { createOnce } from './idempotency.ts'
import { checkedScope } from './key-scope.ts'
import { requireLettingIn, requireMayReachInside } from './lets-in.ts'
import { cameByRule, settingsOf, shownTrustRule, sourceOf, storedSettings } from './trust-rule-record.ts'

export async function listTrustRules(
  deps: BrokerDeps,
  caller: Caller,
  { query: { limit, cursor } }: ParsedInput<'listTrustRules'>,
): Promise<Reply<'listTrustRules'>> {
  await requireOrganisation(deps, caller, 'identity.manage', 'access.refuse')
  const rows = await listTrustRuleRows(deps.store.db, { limit, after: readTextCursor(cursor) })
  const page = pageOfRows(rows, limit, ({ name }) => [name])
  return { items: page.rows.map(shownTrustRule), nextCursor: page.nextCursor }
}

export async function createTrustRule(
  deps: BrokerDeps,
  caller: Caller,
  input: ParsedInput<'createTrustRule'> & { idempotencyKey?: string },
): Promise<TrustRule> {
  const { name, username } = input.body
  const type = 'trustRule.create'
  const fields = { details: { rule: name, for: username } }
  const decision = await requireLettingIn(deps, caller, type, fields)
  await requireMayReachInside(deps, caller, input.body.allowInternal, type, fields)
  return createOnce<TrustRule>(deps, caller, 'createTrustRule', input, async () => {
    const { db } = deps.store
    requireFree('name', await findTrustRule(db, name))
    const owner = await requirePrincipal(deps, caller, username, { type, fields })
    const row = {
      id: deps.newId(),
      name,
      enabled: 1,
      created_at: deps.clock(),
      ...(await storedRule(deps, owner, input.body)),
    }
    const event = eventOf(deps, caller, type, decision, { details: detailsOf(row, owner) })
    return {
      unit: { statements: [insertTrustRule(db, row)], events: [event] },
      reply: shownTrustRule(withOwner(row, owner)),
    }
  })
}

/** The tokens that came by it end: they may be more than what it now gives. */
export async function updateTrustRule(
  deps: BrokerDeps,
  caller: Caller,
  { params: { name }, body }: ParsedInput<'updateTrustRule'>,
): Promise<TrustRule> {
  const type = 'trustRule.update'
  const fields = { details: { rule: name } }
  // To stop one, nobody needs to have what it gives.
  const stopsOnly = body.enabled === false && Object.keys(body).length === 1
  const decision = stopsOnly
    ? await requireOrganisation(deps, caller, 'identity.manage', type, fields)
    : await requireLettingIn(deps, caller, type, fields)
  const { db } = deps.store
  const row = await requireRule(deps, name)
  const { enabled = row.enabled === 1, ...changes } = body
  const rule = changedRule(row, changes)
  const goesInside = rule.allowInternal && (changes.allowInternal ?? changes.issuer) !== undefined
  await requireMayReachInside(deps, caller, goesInside, type, fields)
  let stored = { issuer: row.issuer, principal_id: row.principal_id, settings: row.settings }
  let owner: Owner = { username: row.username, kind: row.principalKind, active: row.active }
  if (!stopsOnly) {
    await requirePrincipal(deps, caller, row.username, { type, fields })
    const named = await requirePrincipal(deps, caller, rule.username, { type, fields })
    stored = await storedRule(deps, named, rule)
    owner = named
  }
  const changed = { ...row, ...stored, enabled: Number(enabled) }
  await deps.store.commit({
    statements: [
      updateTrustRuleRow(db, row, { ...stored, enabled: Number(enabled) }),
      deleteKeysThatCameBy(db, cameByRule(row)),
    ],
    events: [eventOf(deps, caller, type, decision, { details: detailsOf(changed, owner) })],
  })
  return shownTrustRule(withOwner(changed, owner))
}

export async function deleteTrustRule(
  deps: BrokerDeps,
  caller: Caller,
  { params: { name } }: ParsedInput<'deleteTrustRule'>,
): Promise<undefined> {
  const fields = { details: { rule: name } }
  const decision = await requireOrganisation(deps, caller, 'identity.manage', 'trustRule.delete', fields)
  const row = await requireRule(deps, name)
  const { db } = deps.store
  await deps.store.commit({
    // First the rule: whoever gives a token by it at the same time holds it, and is waited for.
    statements: [deleteTrustRuleRow(db, row.id), deleteKeysThatCameBy(db, cameByRule(row))],
    events: [eventOf(deps, caller, 'trustRule.delete', decision, fields)],
  })
  return undefined
}

type Owner = Pick<NamedPrincipalRow, 'username' | 'kind' | 'active'>
type RuleFields = Omit<TrustRule, 'name' | 'enabled' | 'createdAt'>
type RuleRow = Omit<OwnedTrustRuleRow, 'username' | 'principalKind' | 'active'>

async function requirePrincipal(
  deps: BrokerDeps,
  caller: Caller,
  username: string,
  giving: { type: AuditEventType; fields: EventFields },
): Promise<NamedPrincipalRow> {
  const row = await findPrincipal(deps.store.db, username)
  if (!row)
    throw new SignpostError('invalid', `username: there is no user or service account ${username}.`, {
      field: 'username',
    })
  await mayActFor(deps, caller, row, { ...giving, field: 'username' })
  return row
}

function changedRule(
  row: OwnedTrustRuleRow,
  changes: Omit<ParsedInput<'updateTrustRule'>['body'], 'enabled'>,
): RuleFields {
  const before: RuleFields = { issuer: row.issuer, username: row.username, ...settingsOf(row) }
  // Null takes away what may be left out.
  const after = Object.entries(changes).map(([field, value]) => [field, value ?? undefined])
  return { ...before, ...Object.fromEntries(after) } as RuleFields
}

async function requireRule({ store }: BrokerDeps, name: string): Promise<OwnedTrustRuleRow> {
  const row = await findTrustRule(store.db, name)
  if (!row) throw new SignpostError('not_found', 'There is no such trust rule.')
  return row
}

/** Checked, the issuer's keys read, as the columns have it. */
async function storedRule(
  deps: BrokerDeps,
  owner: NamedPrincipalRow,
  rule: RuleFields,
): Promise<Pick<OwnedTrustRuleRow, 'issuer' | 'principal_id' | 'settings'>> {
  checkPlainText('audience', rule.audience)
  for (const { claim, equals, matches } of rule.conditions)
    for (const text of [claim, matches, typeof equals === 'string' ? equals : undefined])
      checkPlainText('conditions', text)
  requireOwnerNamed(rule.issuer, rule.conditions)
  const scope = await checkedScope(deps, owner, rule.scope)
  const settings = { ...rule, jwks: checkedKeys(rule.jwks) }
  if (scope !== '') settings.scope = JSON.parse(scope) as NonNullable<TrustRule['scope']>
  await deps.identityTokens.requireKeys(sourceOf(rule.issuer, settings))
  return { issuer: rule.issuer, principal_id: owner.id, settings: storedSettings(settings) }
}

/** Without what is not needed to verify. */
function checkedKeys(jwks: TrustRule['jwks']): TrustRule['jwks'] {
  if (!jwks) return undefined
  const keys = hasSecretHalf(jwks.keys) ? undefined : publicKeysOf(jwks)
  if (keys) return { keys: keys as { kty: string }[] }
  throw new SignpostError(
    'invalid',
    'jwks: must hold public keys to verify signatures with (RSA, EC or OKP), and no others.',
    {
      field: 'jwks',
    },
  )
}

function withOwner(row: RuleRow, { username, kind, active }: Owner): OwnedTrustRuleRow {
  return { ...row, username, principalKind: kind, active }
}

/** What an auditor wants to see of a rule: all that decides whom it lets in. */
function detailsOf(row: RuleRow, { username }: Owner): NonNullable<EventFields['details']> {
  const { audience, conditions, scope, allowInternal, jwks } = settingsOf(row)
  return {
    rule: row.name,
    for: username,
    enabled: row.enabled === 1,
    issuer: row.issuer,
    audience,
    conditions: JSON.stringify(conditions).slice(0, 2048),
    ...(scope === undefined ? {} : { scope: JSON.stringify(scope).slice(0, 2048) }),
    ...(jwks === undefined ? {} : { ownKeys: true }),
    ...(allowInternal ? { allowInternal } : {}),
  }
}

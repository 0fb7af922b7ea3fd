import type { ParsedInput, Reply } from '@signpost/contract'
import { listTrustRules, type OwnedTrustRuleRow } from '../store/trust-rules.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { requireOrganisation } from './gate.ts'
import { verdictsOf } from './match-trust-rules.ts'

/** Rules that are told of; the others are counted for nothing. */
const rulesMax = 1000

/** What would become of a token, in words. Gives none, and keeps nothing of it. */
export async function testTrustRules(
  deps: BrokerDeps,
  caller: Caller,
  { body: { token } }: ParsedInput<'testTrustRules'>,
): Promise<Reply<'testTrustRules'>> {
  const decision = await requireOrganisation(deps, caller, 'identity.manage', 'trustRule.test')
  const rows = await listTrustRules(deps.store.db, { limit: rulesMax })
  const read = deps.identityTokens.issuerOf(token.trim())
  const issuer = 'issuer' in read ? read.issuer : undefined
  const verdicts = await verdictsOf(
    deps,
    token.trim(),
    rows.filter((row) => row.issuer === issuer),
  )
  const byName = new Map(verdicts.map((verdict) => [verdict.row.name, verdict]))
  const accepted = verdicts.find(({ problem }) => problem === undefined)?.row
  const details = { accepted: accepted?.name ?? null }
  await deps.store.commit({
    statements: [],
    events: [eventOf(deps, caller, 'trustRule.test', decision, { details })],
  })
  const problemOf = (row: OwnedTrustRuleRow): string | null => {
    const verdict = byName.get(row.name)
    if (verdict) return verdict.problem?.sentence ?? null
    return 'problem' in read ? read.problem.sentence : `iss: is ${read.issuer}, and not ${row.issuer}.`
  }
  return {
    accepted: accepted?.name ?? null,
    username: accepted?.username ?? null,
    claims: verdicts.find(({ token: good }) => good)?.token?.claims ?? {},
    rules: rows.map((row) => ({ name: row.name, problem: problemOf(row) })),
  }
}

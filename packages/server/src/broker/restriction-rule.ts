/** A restriction as it is asked for: what fits together, and what of it is stored and recorded. */
import { SignpostError, type ParsedInput } from '@signpost/contract'
import type { RestrictionRule } from '../domain/access-rules.ts'
import { keyRuleSentence, listPrefixProblem } from '../domain/object-key.ts'
import { findMember } from '../store/members.ts'
import { findPrincipal, type NamedPrincipalRow } from '../store/principals.ts'
import type { BrokerDeps } from './deps.ts'
import { checkPlainText } from './gate.ts'

type Body = ParsedInput<'createRestriction'>['body']

const invalid = (field: string, problem: string) =>
  new SignpostError('invalid', `${field}: ${problem}`, { field })

/** `teamPrefix`: of the team that is named. */
export function checkAsked(body: Body, teamPrefix: string | undefined, now: number): void {
  const { prefix, reason, from, until, caps, actions } = body
  checkPlainText('reason', reason)
  if (reason.trim() === '') throw invalid('reason', 'must say why: it is shown to whoever is refused.')
  if (prefix !== undefined) {
    if (teamPrefix === undefined) throw invalid('prefix', 'goes with team.')
    const problem = listPrefixProblem(teamPrefix, prefix)
    if (problem) throw invalid('prefix', `${keyRuleSentence(problem)}.`)
  }
  if (until !== undefined && Date.parse(until) <= now) throw invalid('until', 'must be in the future.')
  if (until !== undefined && from !== undefined && Date.parse(until) <= Date.parse(from))
    throw invalid('until', 'must be after from.')
  if (caps === undefined) return
  const narrows = new Set(actions)
  if (Object.keys(caps).length === 0) throw invalid('caps', 'must set at least one; left out, all is denied.')
  // A cap of what the restriction is not about would hold for nothing.
  if (caps.readSecondsMax !== undefined && !narrows.has('read'))
    throw invalid('caps.readSecondsMax', 'goes with the action read.')
  if (caps.writeBytesMax !== undefined && !narrows.has('write'))
    throw invalid('caps.writeBytesMax', 'goes with the action write.')
  if (caps.writeSecondsMax !== undefined && !narrows.has('write') && !narrows.has('delete'))
    throw invalid('caps.writeSecondsMax', 'goes with the action write or delete.')
}

export async function findWhom(
  { store: { db } }: BrokerDeps,
  username: string,
  team: { id: string } | undefined,
): Promise<NamedPrincipalRow | undefined> {
  const found = await findPrincipal(db, username)
  if (!found || team === undefined) return found
  return (await findMember(db, team.id, found.id)) && found
}

/** `team`: only who is of it can be named, so that its admins learn of nobody else. */
export async function requireWhom(
  deps: BrokerDeps,
  username: string,
  team: { id: string } | undefined,
): Promise<NamedPrincipalRow> {
  const found = await findWhom(deps, username, team)
  if (found) return found
  throw invalid(
    'username',
    team === undefined ? 'there is no such user or service account.' : 'is no member of this team.',
  )
}

export function ruleOf(id: string, body: Body, now: number): RestrictionRule {
  const { actions, caps, prefix, networks, from, until, reason } = body
  return {
    id,
    actions: [...new Set(actions)],
    ...(caps === undefined ? {} : { caps }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(networks === undefined ? {} : { networks: [...new Set(networks)] }),
    from: from === undefined ? now : Date.parse(from),
    ...(until === undefined ? {} : { until: Date.parse(until) }),
    reason,
  }
}

/** For the record. */
export function shownDetails(body: Body): Record<string, string> {
  const { username, prefix, networks, actions, caps, from, until, reason } = body
  const narrowed = caps && Object.entries(caps).map(([name, max]) => `${name}=${max}`)
  return {
    ...(username === undefined ? {} : { user: username }),
    ...(prefix === undefined ? {} : { prefix: prefix.toWellFormed() }),
    ...(networks === undefined ? {} : { networks: networks.join(' ') }),
    actions: actions.join(' '),
    ...(narrowed === undefined ? {} : { caps: narrowed.join(' ') }),
    ...(from === undefined ? {} : { from }),
    ...(until === undefined ? {} : { until }),
    why: reason.toWellFormed(),
  }
}

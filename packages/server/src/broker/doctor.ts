/** Looks at a bucket from every side, and keeps what was found last. */
import { SignpostError, type ParsedInput, type Reply } from '@signpost/contract'
import { checkConnector as check } from '../connectors/index.ts'
import { isoOf } from '../domain/instant.ts'
import { findTeamById } from '../store/teams.ts'
import { requireManaged } from './connector-access.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'

/** The whole check, writing and reading included. */
const checkMs = 10_000

/** On a team's own connector under the team's prefix, else at the bucket's root. */
export async function runDoctor(
  deps: BrokerDeps,
  caller: Caller,
  { params: { connector: name } }: ParsedInput<'runDoctor'>,
): Promise<Reply<'runDoctor'>> {
  const { row, decision } = await requireManaged(deps, caller, name, 'connector.doctor')
  const team = row.team_id === null ? undefined : await findTeamById(deps.store.db, row.team_id)
  const { connector, bucket } = await deps.connectors.open(row.id, row.version)
  const event = eventOf(deps, caller, 'connector.doctor', decision, { connector: name, bucket })
  await deps.store.commit({ statements: [], events: [event] })
  const begun = deps.clock()
  const { ok, checks } = await check(
    connector,
    team?.connector_id === row.id ? team.prefix : '',
    deps,
    checkMs,
  )
  return { connector: name, at: isoOf(begun), ok, durationMs: deps.clock() - begun, checks }
}

export async function getDoctorReport(
  deps: BrokerDeps,
  caller: Caller,
  { params: { connector: name } }: ParsedInput<'getDoctorReport'>,
): Promise<Reply<'getDoctorReport'>> {
  await requireManaged(deps, caller, name, 'connector.doctor')
  throw new SignpostError('not_found', 'The doctor has not looked yet.')
}

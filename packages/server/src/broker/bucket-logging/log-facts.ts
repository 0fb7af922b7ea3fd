/** What the doctor is to know of a connector's log sources. */
import type { LogFacts } from '../../connectors/index.ts'
import { wasIssuedBetween } from '../../store/issued-between.ts'
import type { ConnectorRow } from '../../store/connectors.ts'
import { listTeamsAtLocation } from '../../store/teams.ts'
import type { BrokerDeps } from '../deps.ts'
import { sourcesOf } from './sources.ts'

/** Late by so many times the usual delay, a log is not coming. */
const lateTimes = 3

export async function logFactsOf(deps: BrokerDeps, row: ConnectorRow): Promise<LogFacts[]> {
  const { db } = deps.store
  const teams = (await listTeamsAtLocation(db, row.location))
    .filter(({ connector_id }) => connector_id === row.id || (connector_id === null && row.is_default === 1))
    .map(({ name }) => name)
  const facts: LogFacts[] = []
  for (const source of await sourcesOf(deps, row)) {
    const { name, problem, lastArrivalAt, createdAt, usualSeconds } = source
    const since = Math.max(lastArrivalAt ?? 0, createdAt)
    const until = deps.clock() - lateTimes * usualSeconds * 1000
    const isSilent = await wasIssuedBetween(db, teams, since, until)
    facts.push({ name, problem, lastArrivalAt, isSilent })
  }
  return facts
}

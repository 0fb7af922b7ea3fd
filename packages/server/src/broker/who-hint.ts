/** For whoever asks about a key that nobody ever asked for: whether it may be another that they mean. */
import type { AuditEvent, WhoHint } from '@signpost/contract'
import { similarKeys } from '../domain/similar-keys.ts'
import { listAccessLogRecords } from '../store/access-log-records.ts'
import { listAuditEvents } from '../store/list-audit-events.ts'
import { listTeamPrefixes } from '../store/stop-events.ts'
import type { BrokerDeps } from './deps.ts'
import type { WhoPlace } from './who-place.ts'

const eventsLookedAt = 2000
const teamsLookedAt = 200
const similarMax = 5
const knownLookedAt = 100

interface Asked {
  /** In the bucket, prefix included. */
  key: string
  team: string | undefined
  place: WhoPlace
}

type Deps = Pick<BrokerDeps, 'store'>

/** Null: at some time somebody asked for it, or a log told of it. */
export async function whoHint(deps: Deps, asked: Asked): Promise<WhoHint | null> {
  const { key, team, place } = asked
  if (await isKnown(deps, key, place)) return null
  const prefixes = await listTeamPrefixes(deps.store.db)
  const isOfTeam = team !== undefined || [...prefixes.values()].some((prefix) => key.startsWith(prefix))
  const keys = new Set([
    ...(await misplaced(deps, asked, prefixes)),
    ...(await misspelt(deps, asked, prefixes)),
  ])
  return { isOfTeam, similar: [...keys].slice(0, similarMax).map((one) => addressOf(one, prefixes)) }
}

/** Among the newest of that key; nearly always they are of one bucket. */
async function isKnown({ store: { db } }: Deps, key: string, place: WhoPlace): Promise<boolean> {
  const some = { limit: knownLookedAt }
  const events = await listAuditEvents(db, { key }, some)
  if (events.some(({ event }) => place.holdsEvent(JSON.parse(event) as AuditEvent))) return true
  return (await listAccessLogRecords(db, { key }, some)).some((row) => place.holdsAccess(row))
}

/** The team's prefix left out where it belongs, or written where it does not. */
async function misplaced(
  deps: Deps,
  { key, team, place }: Asked,
  prefixes: ReadonlyMap<string, string>,
): Promise<string[]> {
  const prefix = team === undefined ? '' : (prefixes.get(team) ?? '')
  const tried =
    team === undefined
      ? [...prefixes.values()].slice(0, teamsLookedAt).map((one) => one + key)
      : [key.slice(prefix.length)].filter((rest) => prefix !== '' && rest.startsWith(prefix))
  const found: string[] = []
  for (const one of new Set(tried)) if (one !== key && (await isKnown(deps, one, place))) found.push(one)
  return found
}

/** Among what URLs were given for last: of the team, or of anybody where the key is in none. */
async function misspelt(
  { store: { db } }: Deps,
  { key, team }: Asked,
  prefixes: ReadonlyMap<string, string>,
): Promise<string[]> {
  const own = team ?? [...prefixes].find(([, prefix]) => prefix !== '' && key.startsWith(prefix))?.[0]
  const filter = { type: 'url.issue', decision: 'allow', team: own } as const
  const rows = await listAuditEvents(db, filter, { limit: eventsLookedAt })
  return similarKeys(
    key,
    rows.flatMap(({ event }) => (JSON.parse(event) as AuditEvent).key ?? []),
  )
}

function addressOf(key: string, prefixes: ReadonlyMap<string, string>): WhoHint['similar'][number] {
  const [team, prefix] = [...prefixes].find(([, one]) => one !== '' && key.startsWith(one)) ?? [null, '']
  return { team, key: key.slice(prefix.length) }
}

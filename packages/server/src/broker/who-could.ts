/** Who may reach an object now, by the very rules that decide. */
import type { WhoCould, WhoLink } from '@signpost/contract'
import { setImmediate } from 'node:timers/promises'
import { mayOrganisation } from '../domain/decide-access.ts'
import { explainObject } from '../domain/explain-access.ts'
import { isoOrNull } from '../domain/instant.ts'
import { objectKeyProblem } from '../domain/object-key.ts'
import { listMembers, type NamedMemberRow } from '../store/members.ts'
import { listShareLinks } from '../store/share-links.ts'
import { listTeamPrefixes } from '../store/stop-events.ts'
import { findTeam } from '../store/teams.ts'
import type { TargetRow } from '../store/store.ts'
import { teamAccessOf } from './decide-object.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { otherPrincipal } from './explain-access.ts'

const peopleMax = 2000
const membersAtOnce = 200
const asks = ['read', 'write', 'delete'] as const

interface Asked {
  /** In the bucket, prefix included. */
  key: string
  /** Left out: every team whose prefix it begins with. */
  team: string | undefined
}

/** Null: not for this caller. */
export async function whoCould(
  deps: BrokerDeps,
  caller: Caller,
  { key, team }: Asked,
): Promise<{ who: WhoCould[]; links: WhoLink[]; complete: boolean } | null> {
  if (!mayOrganisation(caller.principal, 'access.review')) return null
  const { db } = deps.store
  const who: WhoCould[] = []
  const links: WhoLink[] = []
  for (const [name, prefix] of await listTeamPrefixes(db)) {
    const isMeant = team === undefined ? key.startsWith(prefix) : name === team
    const relative = key.slice(prefix.length)
    if (!isMeant || objectKeyProblem(prefix, relative)) continue
    const { id } = (await findTeam(db, name)) ?? {}
    if (id === undefined) continue
    links.push(...(await linksTo(deps, id, relative)))
    for (let after: string | undefined; ;) {
      const members = await listMembers(db, id, { limit: membersAtOnce, after })
      for (const member of members.slice(0, membersAtOnce)) {
        const line = await couldLine(deps, caller, name, relative, member)
        if (line) who.push(line)
      }
      if (who.length > peopleMax) return { who: who.slice(0, peopleMax), links, complete: false }
      if (members.length <= membersAtOnce) break
      after = members[membersAtOnce - 1]!.username
      await setImmediate()
    }
  }
  return { who, links, complete: true }
}

/** Those that live, and that still have uses. */
async function linksTo({ store, clock }: BrokerDeps, teamId: string, key: string): Promise<WhoLink[]> {
  const found: WhoLink[] = []
  for (let after: string | undefined; ;) {
    const filter = { teamId, makerId: undefined, now: clock() }
    const rows = await listShareLinks(store.db, filter, { limit: membersAtOnce, after })
    for (const row of rows.slice(0, membersAtOnce)) {
      const { id, team, username, objectKey, prefix, uses, usesMax, expiresAt } = row
      const leads = objectKey === null ? prefix !== null && key.startsWith(prefix) : objectKey === key
      const isUsedUp = usesMax !== null && uses >= usesMax
      if (leads && !isUsedUp)
        found.push({
          id,
          team,
          username,
          of: objectKey ?? prefix ?? '',
          uses,
          usesMax,
          expiresAt: isoOrNull(expiresAt),
        })
    }
    if (rows.length <= membersAtOnce) return found
    after = rows[membersAtOnce - 1]!.id
    await setImmediate()
  }
}

/** Undefined: may do nothing of it. */
async function couldLine(
  deps: BrokerDeps,
  { call: { address } }: Caller,
  team: string,
  key: string,
  { username, kind }: NamedMemberRow,
): Promise<WhoCould | undefined> {
  const who = await otherPrincipal(deps, username)
  const target = who && (await deps.store.hot.findTarget(team, who.principal.id))
  if (!target) return undefined
  const rules = deps.rules(target)
  const access = teamAccessOf(deps, who.principal, address, target as TargetRow, rules)
  const at = deps.clock()
  const [read, write, remove] = asks.map((ask) =>
    explainObject({ ...who, team: access, budgets: rules.budgets }, { ask, key, address, at }),
  ) as [Explanation, Explanation, Explanation]
  if ([read, write, remove].every(({ outcome }) => outcome === 'deny')) return undefined
  return { team, username, kind, read: wordOf(read), write: wordOf(write), delete: wordOf(remove) }
}

type Explanation = ReturnType<typeof explainObject>

function wordOf({ outcome, reason }: Explanation): string {
  return `${outcome}:${reason}`
}

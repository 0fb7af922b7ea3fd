import type { Store } from '../store/store.ts'
import { noteTeamUse, type TeamUse } from '../store/team-uses.ts'

const hourMs = 3_600_000
/** One that fails does not take many others with it. */
const usesPerUnit = 100

export interface TeamUses {
  /** This principal was just allowed something in this team; `at` in ms since the epoch. Costs two look-ups in memory. */
  note(principalId: string, teamId: string, at: number): void
  /** Writes what was noted. Called once a minute and at the end. */
  flush(): Promise<void>
}

/** When somebody last asked for anything in a team, to the hour: gathered, so that a use does not cost a write. */
export function createTeamUses(store: Pick<Store, 'db' | 'commit'>): TeamUses {
  let hour = 0
  /** Of this hour: they are written once. */
  const known = new Map<string, Set<string>>()
  let waiting: TeamUse[] = []
  return {
    note(principalId, teamId, at) {
      const ofHour = at - (at % hourMs)
      if (ofHour !== hour) {
        known.clear()
        hour = ofHour
      }
      let teams = known.get(principalId)
      if (!teams) known.set(principalId, (teams = new Set()))
      if (teams.has(teamId)) return
      teams.add(teamId)
      waiting.push({ principalId, teamId, at: ofHour })
    },
    async flush() {
      // In one order: two replicas that write the same pairs do not wait for each other.
      const writing = waiting.toSorted((one, other) => (idOf(one) < idOf(other) ? -1 : 1))
      waiting = []
      for (let i = 0; i < writing.length; i += usesPerUnit) {
        const uses = writing.slice(i, i + usesPerUnit)
        try {
          await store.commit({ statements: uses.map((use) => noteTeamUse(store.db, use)), events: [] })
        } catch (error) {
          // The next time again: who was deleted in this moment is not in the way then.
          waiting.push(...writing.slice(i))
          throw error
        }
      }
    },
  }
}

function idOf({ principalId, teamId }: TeamUse): string {
  return principalId + teamId
}

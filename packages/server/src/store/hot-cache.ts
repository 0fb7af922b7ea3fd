import type { HotQueries, KeyRow, TargetRow } from './store.ts'

/** Rows kept of each query; when there are more, all are forgotten. */
const rowsMax = 20_000
/** Of what is long in them, in all: a team may have many rules, and each of its members a row with all of them. */
const charactersMax = 64_000_000

/** The queries of the hot path where they answer at once. */
export interface HotReads {
  findKey(apiKeyId: string): KeyRow | undefined
  findTarget(team: string, principalId: string): TargetRow | undefined
}

/**
 * Remembers what the hot path has read. Only for a database that no other process writes to: whoever writes calls
 * `forget` before the write is told to be done, so that nobody who knows of it is answered from before it. What was not
 * found is not remembered: a stranger's guesses must not push out the rows of callers.
 */
export function createHotCache(reads: HotReads): { hot: HotReads & HotQueries; forget: () => void } {
  const keys = createRows<KeyRow>(({ scope }) => scope.length)
  const targets = createRows<TargetRow>(lengthOfRules)
  return {
    hot: {
      findKey: (apiKeyId) => keys.get(apiKeyId) ?? keys.remember(apiKeyId, reads.findKey(apiKeyId)),
      findTarget(team, principalId) {
        // An id has no blank, so no two pairs make one text.
        const place = `${principalId} ${team}`
        return targets.get(place) ?? targets.remember(place, reads.findTarget(team, principalId))
      },
    },
    forget() {
      keys.clear()
      targets.clear()
    },
  }
}

function lengthOfRules({ prefixRules, restrictionRules }: TargetRow): number {
  return (prefixRules?.length ?? 0) + (restrictionRules?.length ?? 0)
}

function createRows<Row extends object>(lengthOf: (row: Row) => number) {
  const rows = new Map<string, Row>()
  let characters = 0
  const clear = () => {
    rows.clear()
    characters = 0
  }
  return {
    clear,
    get: (place: string) => rows.get(place),
    remember(place: string, row: Row | undefined): Row | undefined {
      if (row === undefined) return undefined
      const length = lengthOf(row)
      if (rows.size >= rowsMax || characters + length > charactersMax) clear()
      characters += length
      // Many requests get this one object.
      rows.set(place, Object.freeze(row))
      return row
    },
  }
}

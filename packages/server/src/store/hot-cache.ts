import type { HotQueries, KeyRow, TargetRow } from './store.ts'

/** Rows kept of each query; when there are more, all are forgotten. */
const rowsMax = 20_000

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
  const keys = new Map<string, KeyRow>()
  const targets = new Map<string, TargetRow>()
  return {
    hot: {
      findKey: (apiKeyId) => keys.get(apiKeyId) ?? remember(keys, apiKeyId, reads.findKey(apiKeyId)),
      findTarget(team, principalId) {
        // An id has no blank, so no two pairs make one text.
        const place = `${principalId} ${team}`
        return targets.get(place) ?? remember(targets, place, reads.findTarget(team, principalId))
      },
    },
    forget() {
      keys.clear()
      targets.clear()
    },
  }
}

function remember<Row extends object>(
  rows: Map<string, Row>,
  place: string,
  row: Row | undefined,
): Row | undefined {
  if (row === undefined) return undefined
  if (rows.size >= rowsMax) rows.clear()
  // Many requests get this one object.
  rows.set(place, Object.freeze(row))
  return row
}

import { touchApiKeys } from '../store/api-keys.ts'
import type { Store } from '../store/store.ts'

/** Statements stay small: PostgreSQL and SQLite limit the parameters of one. */
const keysPerStatement = 500

export interface LastUsed {
  /** This key was just used; `at` in ms since the epoch. Costs nothing but memory of one entry a key. */
  note(apiKeyId: string, at: number): void
  /** Writes what was noted. Called once a minute and at the end. */
  flush(): Promise<void>
}

/** When keys were last used, gathered, so that a use does not cost a write. */
export function createLastUsed(store: Pick<Store, 'db' | 'commit'>): LastUsed {
  let noted = new Map<string, number>()
  return {
    note(apiKeyId, at) {
      noted.set(apiKeyId, at)
    },
    async flush() {
      if (noted.size === 0) return
      const writing = noted
      noted = new Map()
      const ids = [...writing.keys()]
      const at = Math.max(...writing.values())
      const statements = []
      for (let i = 0; i < ids.length; i += keysPerStatement) {
        statements.push(touchApiKeys(store.db, ids.slice(i, i + keysPerStatement), at))
      }
      await store.commit({ statements, events: [] })
    },
  }
}

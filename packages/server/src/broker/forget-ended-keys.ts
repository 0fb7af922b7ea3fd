import { deleteEndedKeys } from '../store/api-keys.ts'
import type { BrokerDeps } from './deps.ts'

/** Ended sessions, tokens and links are seen in lists for so long. */
const keptMs = 24 * 3_600_000

/** Forgets sessions, access tokens and share links that ended a day ago. Run by a timer. */
export async function forgetEndedKeys({ store, clock }: Pick<BrokerDeps, 'store' | 'clock'>): Promise<void> {
  await store.commit({ statements: [deleteEndedKeys(store.db, clock() - keptMs)], events: [] })
}

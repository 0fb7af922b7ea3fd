import type { BrokerDeps } from '../../broker/deps.ts'
import { makeApiKey } from '../../domain/api-key.ts'
import { insertApiKey } from '../../store/api-keys.ts'

/** A live session of an organisation admin, as a login leaves it; answers its token. */
export async function insertSession({ store, newId, clock, randomBytes }: BrokerDeps): Promise<string> {
  const admin = await store.db
    .selectFrom('principals')
    .select('id')
    .where('organisation_role', '=', 'admin')
    .executeTakeFirstOrThrow()
  const { token, id, secretHash } = makeApiKey(randomBytes, 'session')
  const row = {
    id,
    principal_id: admin.id,
    name: 'session',
    secret_hash: secretHash,
    created_at: clock(),
    expires_at: clock() + 1e7,
    last_used_at: null,
    kind: 'session' as const,
    came_by: newId(),
  }
  await store.commit({ statements: [insertApiKey(store.db, row)], events: [] })
  return token
}

/** Accesses as a log would have told them, put into the database past the reading. */
import type { AccessEvidence, Finding } from '@signpost/contract'
import { accessDigest, accessKeyPlace } from '../../store/access-log-records.ts'
import { insertAccesses, type NewAccess } from '../../store/access-log-writes.ts'
import { statementOf } from '../../store/statement.ts'
import type { Store } from '../../store/store.ts'
import type { World } from './world.ts'

export type AccessOver = Partial<Omit<NewAccess, 'evidence'>> & { evidence?: Partial<AccessEvidence> }

let count = 0

export function accessRow(finding: Finding, at: number, over: AccessOver = {}): NewAccess {
  count += 1
  const { evidence, ...rest } = over
  const key = over.object_key === undefined ? 'demo/k' : over.object_key
  const whole: AccessEvidence = {
    reason: finding === 'matched' ? 'grant' : 'no_grant',
    operation: 'REST.GET.OBJECT',
    action: 'read',
    method: 'GET',
    status: 200,
    authentication: 'query',
    ...evidence,
  }
  return {
    at,
    digest: accessDigest('main', String(count)),
    file_id: 1,
    connector_id: 'main',
    finding,
    principal_id: null,
    username: null,
    team: null,
    grant_id: null,
    address: '192.0.2.7',
    bytes: 100,
    ...rest,
    object_key: key,
    key_place: accessKeyPlace(at, key),
    evidence: JSON.stringify(whole),
  }
}

export async function putAccesses(store: Store, rows: readonly NewAccess[]): Promise<void> {
  await store.commit({ statements: insertAccesses(store.engine, rows), events: [] })
}

/** A source with one file that was read whole: what is in `file_id` of accesses. */
export async function putLogFile(world: Pick<World, 'deps'>, name = 'logs'): Promise<number> {
  const { store, newId, clock } = world.deps
  const { db } = store
  const id = newId()
  const source = { id, name, connector_id: null, format: 's3-server-access', settings: '{"kind":"upload"}' }
  const file = { source_id: id, name: 'file-1', version: 'v1', state: 'done', counts: '' } as const
  const now = clock()
  await store.commit({
    statements: [
      statementOf(db.insertInto('log_sources').values({ ...source, progress: '', created_at: now })),
      statementOf(
        db.insertInto('log_files').values({ ...file, lease_until: 0, found_at: now, read_at: now }),
      ),
    ],
    events: [],
  })
  const made = await db
    .selectFrom('log_files')
    .select('id')
    .where('source_id', '=', id)
    .executeTakeFirstOrThrow()
  return made.id
}

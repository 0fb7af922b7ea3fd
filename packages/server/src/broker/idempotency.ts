import { operations, SignpostError, type OperationId } from '@signpost/contract'
import type { WriteUnit } from '../store/store.ts'
import {
  deleteIdempotencyKeysBefore,
  findIdempotencyKey,
  insertIdempotencyKey,
} from '../store/idempotency.ts'
import type { BrokerDeps, Caller } from './deps.ts'

const keptMs = 24 * 3600 * 1000

/** What a creating call is about to write, and what it will answer. */
export interface Creation<R> {
  unit: WriteUnit
  reply: R
  /** What a repeated call is answered instead: without what is shown once. */
  repeatedReply?: R
  /** How the unit is written, where that is not as any other. */
  commit?: (unit: WriteUnit) => Promise<void>
}

/**
 * Commits what `prepare` makes. With an `Idempotency-Key` the reply is written in the same unit, and a repeated call gets
 * it again instead of making anything. The caller's right must have been decided before.
 */
export async function createOnce<R>(
  deps: BrokerDeps,
  { principal }: Caller,
  operation: OperationId,
  input: { params?: unknown; body: unknown; idempotencyKey?: string },
  prepare: () => Promise<Creation<R>>,
): Promise<R> {
  const { idempotencyKey } = input
  if (idempotencyKey === undefined) {
    const { unit, reply, commit = deps.store.commit } = await prepare()
    await commit(unit)
    return reply
  }
  // Keyed: a body may hold a bucket's secret, which a plain hash would let a reader of the database try out.
  const request = JSON.stringify([operation, input.params ?? null, input.body])
  const earlier = async () => {
    const row = await findIdempotencyKey(deps.store.db, principal.id, idempotencyKey)
    if (!row || row.created_at <= deps.clock() - keptMs) return undefined
    if (deps.secretBox.isFingerprint(row.request_hash, request)) return { reply: JSON.parse(row.reply) as R }
    throw new SignpostError(
      'idempotency_mismatch',
      'Idempotency-Key: was used for another request; make a new one for each new request.',
      { field: 'Idempotency-Key' },
    )
  }
  const first = await earlier()
  if (first) return first.reply
  const { unit, reply, repeatedReply, commit = deps.store.commit } = await prepare()
  const now = deps.clock()
  const remember = [
    // One that is too old may have the same key.
    deleteIdempotencyKeysBefore(deps.store.db, now - keptMs + 1),
    insertIdempotencyKey(deps.store.db, {
      principal_id: principal.id,
      idempotency_key: idempotencyKey,
      request_hash: deps.secretBox.fingerprint(request),
      status: operations[operation].status,
      reply: JSON.stringify(repeatedReply ?? reply),
      created_at: now,
    }),
  ]
  try {
    await commit({ ...unit, statements: [...unit.statements, ...remember] })
  } catch (error) {
    // The same call, made twice at once: the other one was first.
    const other = error instanceof SignpostError && error.code === 'conflict' ? await earlier() : undefined
    if (!other) throw error
    return other.reply
  }
  return reply
}

/** Forgets replies that are older than 24 hours. Run by a timer. */
export async function forgetOldReplies(deps: Pick<BrokerDeps, 'store' | 'clock'>): Promise<void> {
  const statement = deleteIdempotencyKeysBefore(deps.store.db, deps.clock() - keptMs)
  await deps.store.commit({ statements: [statement], events: [] })
}

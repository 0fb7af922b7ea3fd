/** Signed checkpoints of the audit trail, for those who may read it. Who asks is recorded before anything is answered. */
import { readPublicKey, SignpostError, type ParsedInput, type Reply } from '@signpost/contract'
import { checkpointCrypto } from '../audit/checkpoint-crypto.ts'
import { isoOf } from '../domain/instant.ts'
import {
  findNewestCheckpoint,
  listCheckpoints,
  listSigningKeys,
  type CheckpointRow,
} from '../store/checkpoints.ts'
import { pageOfRows, readCursor } from '../store/page.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { requireOrganisation } from './gate.ts'
import { signCheckpoint } from './sign-checkpoint.ts'

export async function listAuditCheckpoints(
  deps: BrokerDeps,
  caller: Caller,
  { query: { limit, cursor, after } }: ParsedInput<'listAuditCheckpoints'>,
): Promise<Reply<'listAuditCheckpoints'>> {
  const start = cursor === undefined ? after : (readCursor(cursor, ['number'])[0] as number)
  await requireReader(deps, caller, 'listAuditCheckpoints')
  const rows = await listCheckpoints(deps.store.db, { limit, after: start })
  const page = pageOfRows(rows, limit, ({ number }) => [number])
  return { items: page.rows.map(shown), nextCursor: page.nextCursor }
}

export async function createAuditCheckpoint(
  deps: BrokerDeps,
  caller: Caller,
  { body: { rotateKey } }: ParsedInput<'createAuditCheckpoint'>,
): Promise<Reply<'createAuditCheckpoint'>> {
  const details = { rotateKey }
  await requireOrganisation(deps, caller, 'audit.read', 'audit.checkpoint', { details })
  if (rotateKey) await requireOrganisation(deps, caller, 'connectors.manage', 'audit.checkpoint', { details })
  return shown(await signCheckpoint(deps, { caller, rotateKey }))
}

export async function getAuditPublicKey(
  deps: BrokerDeps,
  caller: Caller,
): Promise<Reply<'getAuditPublicKey'>> {
  await requireReader(deps, caller, 'getAuditPublicKey')
  const newest = await findNewestCheckpoint(deps.store.db)
  if (!newest)
    throw new SignpostError(
      'not_found',
      'There is no checkpoint yet: make one with `signpost audit checkpoint`.',
    )
  const publicKey = newest.next_key || newest.public_key
  const keys = await listSigningKeys(deps.store.db)
  return {
    publicKey,
    keyId: keyIdOf(publicKey),
    origin: publicKey.split('+')[0] ?? '',
    earlier: keys.filter((key) => key !== publicKey),
  }
}

function shown({ number, at, digest, public_key, note }: CheckpointRow): Reply<'createAuditCheckpoint'> {
  return { number, at: isoOf(at), digest, keyId: keyIdOf(public_key), note }
}

function keyIdOf(publicKey: string): string {
  return readPublicKey(publicKey, checkpointCrypto)?.id ?? 'unknown'
}

async function requireReader(deps: BrokerDeps, caller: Caller, operation: string): Promise<void> {
  const details = { operation }
  const decision = await requireOrganisation(deps, caller, 'audit.read', 'audit.read', { details })
  await deps.store.commit({
    statements: [],
    events: [eventOf(deps, caller, 'audit.read', decision, { details })],
  })
}

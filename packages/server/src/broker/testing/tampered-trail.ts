/** A trail in a database, and somebody who may write anything to it and computes all hashes anew. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import {
  checkpointNote,
  checkpointText,
  publicKeyText,
  readCheckpointText,
  readNote,
  type AuditVerification,
} from '@signpost/contract'
import { checkpointCrypto, publicHalf, signText } from '../../audit/checkpoint-crypto.ts'
import { verifyAudit } from '../../audit/verify.ts'
import { newChain, nextHash } from '../../store/chain-opening.ts'
import { findNewestCheckpoint } from '../../store/checkpoints.ts'
import type { Store } from '../../store/store.ts'
import { createUuidV7 } from '../../uuid-v7.ts'
import { holdsKey } from '../checkpoint-signer.ts'
import { createSecretBox } from '../secret-box.ts'
import { signCheckpoint, type SigningDeps } from '../sign-checkpoint.ts'

export type Row = Record<string, string | number | null>
/** Past the store and its triggers. */
export type Sql = (text: string, ...values: (string | number)[]) => Promise<Row[]>

export interface Database {
  open(): Promise<Store>
  tamper(work: (sql: Sql) => Promise<unknown>): Promise<void>
}

export const clock = Date.now
export const newId = createUuidV7(clock, randomBytes)
const masterKey = randomBytes(32)
export const depsOf = (store: Store): SigningDeps => {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  return { store, secretBox: createSecretBox([masterKey]), randomBytes, newId, clock, log }
}

/** Two chains, five checkpoints. */
export async function fill(database: Database): Promise<void> {
  for (const chain of [1, 2]) {
    const store = await database.open()
    for (const round of [1, 2, 3]) {
      const event = {
        type: 'user.create',
        decision: 'allow',
        reason: 'tests',
        username: `alice-${chain}-${round}`,
      }
      const at = new Date(clock()).toISOString()
      await store.commit({ statements: [], events: [{ id: newId(), at, ...event } as never] })
      if (chain * round < 6) await signCheckpoint(depsOf(store))
    }
    await store.close()
  }
}

export async function verified(database: Database): Promise<AuditVerification> {
  const store = await database.open()
  try {
    const newest = await findNewestCheckpoint(store.db)
    const isHeld = newest !== undefined && (await holdsKey(depsOf(store), newest.public_key))
    return await verifyAudit(store, isHeld ? newest.public_key : undefined)
  } finally {
    await store.close()
  }
}

export const firstChain = async (sql: Sql) =>
  String((await sql('select chain from audit_chains order by opened_at, chain limit 1'))[0]!['chain'])

/** Every hash fits again, in events, in the kept heads, in what later chains say of earlier ones. */
export async function rewriteHashes(sql: Sql): Promise<void> {
  const known = new Map<string, string>()
  const chains = await sql('select chain from audit_chains order by opened_at, chain')
  for (const chain of chains.map((row) => String(row['chain']))) {
    let head = newChain(chain)
    for (const row of await sql(
      'select seq, event, hash from audit_events where chain = $1 order by seq',
      chain,
    )) {
      let text = String(row['event'])
      if (text.includes('"chain.open"'))
        for (const [earlier, now] of known) text = text.replaceAll(earlier, now)
      const hash = nextHash(head, text)
      known.set(String(row['hash']), hash)
      head = { ...head, seq: head.seq + 1, hash }
      await sql(
        'update audit_events set hash = $1, event = $2, seq = $3 where chain = $4 and seq = $5',
        hash,
        text,
        head.seq,
        chain,
        Number(row['seq']),
      )
    }
    await sql(
      'update audit_chains set head_seq = $1, head_hash = $2 where chain = $3',
      head.seq,
      head.hash,
      chain,
    )
  }
}

/** Each right in itself. */
export async function signAllAnew(sql: Sql): Promise<void> {
  const { privateKey } = generateKeyPairSync('ed25519')
  let previous: string | undefined
  for (const row of await sql('select number, note from checkpoints order by number')) {
    const said = readCheckpointText(readNote(String(row['note']))!.text)!
    const half = publicHalf(said.origin, privateKey)
    const key = publicKeyText(half)
    const text = checkpointText({ ...said, key, previous: previous ?? said.previous })
    previous = checkpointCrypto.sha256Hex(text)
    await sql(
      'update checkpoints set note = $1, digest = $2, public_key = $3 where number = $4',
      checkpointNote(text, half, signText(text, privateKey)),
      previous,
      key,
      Number(row['number']),
    )
  }
}

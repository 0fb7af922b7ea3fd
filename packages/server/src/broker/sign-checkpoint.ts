import {
  byChain,
  checkpointNote,
  checkpointText,
  digestOfHeads,
  noCheckpoint,
  SignpostError,
  type AuditEvent,
} from '@signpost/contract'
import { checkpointCrypto, signText } from '../audit/checkpoint-crypto.ts'
import { isoOf } from '../domain/instant.ts'
import {
  findNewestCheckpoint,
  insertCheckpoint,
  listHeadStates,
  setSignedHeads,
  type CheckpointRow,
  type HeadState,
} from '../store/checkpoints.ts'
import type { Statement } from '../store/store.ts'
import { signerOf, type Signer, type SignerDeps } from './checkpoint-signer.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'

/** Replicas that sign at the same moment: so often one tries again. */
const triesMax = 30

export interface SigningDeps extends SignerDeps {
  log: BrokerDeps['log']
}

interface Asked {
  /** Left out: by itself. */
  caller?: Caller
  rotateKey?: boolean
  /** Sign only if something was recorded since the newest, and that is not younger than so; left out: sign. */
  ifOlderThanMs?: number
}

/**
 * Signs how far every chain has come, and records it in the same commit. Of several processes that do so at once, one gets
 * the next number and the others look again. A new key is announced, and signs at once a checkpoint of its own.
 */
export async function signCheckpoint(deps: SigningDeps, asked: Asked = {}): Promise<CheckpointRow> {
  for (let tries = 1; ; tries++) {
    const newest = await findNewestCheckpoint(deps.store.db)
    const states = await listHeadStates(deps.store.db)
    const signer = await signerOf(deps, newest, asked.rotateKey ?? false)
    const changesKey =
      signer.next !== undefined || (newest !== undefined && signer.key.text !== newest.public_key)
    if (newest && !changesKey && !isDue(deps, newest, states, asked.ifOlderThanMs)) return newest
    const { row, statements } = signed(deps, newest, states, signer)
    const event = signedEvent(deps, row, asked.caller)
    try {
      await deps.store.commit({ statements: [...statements, ...signer.statements], events: [event] })
    } catch (error) {
      if (!(error instanceof SignpostError) || error.code !== 'conflict') throw error
      if (tries === triesMax)
        throw new SignpostError('conflict', 'Others sign checkpoints all the time: try again.', {
          cause: error,
        })
      continue
    }
    warnOfCuts(deps, row, states)
    if (signer.next === undefined) return row
    const { rotateKey: _, ...rest } = asked
    return signCheckpoint(deps, { ...rest, ifOlderThanMs: 0 })
  }
}

/** The event that tells of a checkpoint is not worth another one. A clock that was set back makes one due. */
function isDue(
  { clock }: SigningDeps,
  newest: CheckpointRow,
  states: readonly HeadState[],
  ifOlderThanMs: number | undefined,
): boolean {
  if (ifOlderThanMs === undefined) return true
  const isMore = states.reduce((sum, { seq, signedSeq }) => sum + Math.abs(seq - signedSeq), 0) > 1
  return isMore && Math.abs(clock() - newest.at) >= ifOlderThanMs
}

function signed(
  { store: { db }, clock }: SigningDeps,
  newest: CheckpointRow | undefined,
  states: readonly HeadState[],
  { origin, key, next }: Signer,
): { row: CheckpointRow; statements: Statement[] } {
  const { sha256Hex } = checkpointCrypto
  const heads = states
    .filter(({ seq, hash, signedSeq, signedHash }) => seq !== signedSeq || hash !== signedHash)
    .toSorted(byChain)
  const number = (newest?.number ?? 0) + 1
  const at = clock()
  const text = checkpointText({
    origin,
    number,
    at: isoOf(at),
    previous: newest?.digest ?? noCheckpoint,
    key: key.text,
    ...(next ? { nextKey: next.text } : {}),
    chains: states.length,
    chainsDigest: digestOfHeads(states, sha256Hex),
    heads,
  })
  const row = {
    number,
    at,
    digest: sha256Hex(text),
    public_key: key.text,
    next_key: next?.text ?? '',
    note: checkpointNote(text, key, signText(text, key.privateKey)),
  }
  return { row, statements: [insertCheckpoint(db, row), ...setSignedHeads(db, heads)] }
}

function signedEvent(deps: SigningDeps, row: CheckpointRow, caller: Caller | undefined): AuditEvent {
  const { number, digest, note } = row
  const type = 'audit.checkpoint'
  const details = { number, digest, note, ...(row.next_key === '' ? {} : { nextKey: row.next_key }) }
  if (caller) return eventOf(deps, caller, type, { outcome: 'allow', reason: 'asked_for' }, { details })
  return { id: deps.newId(), at: isoOf(deps.clock()), type, decision: 'allow', reason: 'timed', details }
}

/** It is signed all the same: what comes after is to be proven, too, and verifying names the contradiction for good. */
function warnOfCuts({ log }: SigningDeps, { number }: CheckpointRow, states: readonly HeadState[]): void {
  for (const { chain, seq, hash, signedSeq, signedHash } of states)
    if (seq < signedSeq || (seq === signedSeq && hash !== signedHash))
      log.error(
        { chain, seq, signedSeq, checkpoint: number },
        'the audit trail was changed: run `signpost audit verify`',
      )
}

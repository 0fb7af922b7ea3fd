/** A whole export of two chains with signed checkpoints, made for tests; and what somebody who may write anywhere makes of it. */
import { hash, sign, type KeyObject } from 'node:crypto'
import { genesisHash, linkText } from '../audit-chain.ts'
import {
  byChain,
  checkpointNote,
  checkpointText,
  digestOfHeads,
  noCheckpoint,
  publicKeyText,
  type CheckpointHead,
} from '../checkpoint.ts'
import type { AuditEvent } from '../schemas/audit.ts'
import { crypto, keyFrom, signingKeyOf } from './checkpoint-trail.ts'

export interface ExportOptions {
  origin?: string
  key?: KeyObject
  /** Called before an event is hashed: undefined leaves it out. */
  edit?(event: AuditEvent, chain: string): AuditEvent | undefined
  /** Stands in the trail instead of the note that is made. */
  noteInEvent?(note: string, number: number): string
}

export interface SignedExport {
  lines: string[]
  notes: string[]
  publicKey: string
}

/** Writes a trail event by event, at times of one's own. */
export function createTrailWriter(options: ExportOptions = {}) {
  const { origin = 'signpost/test', key = keyFrom(1), noteInEvent = (note) => note } = options
  const lines: string[] = []
  const notes: string[] = []
  const heads = new Map<string, CheckpointHead>()
  const signed = new Map<string, CheckpointHead>()
  let previous = noCheckpoint
  let count = 0
  const write = (chain: string, at: string, fields: Pick<AuditEvent, 'type'> & Partial<AuditEvent>) => {
    count += 1
    const made: AuditEvent = { id: `id-${count}`, at, decision: 'allow', reason: 'tests', ...fields }
    const event = options.edit ? options.edit(made, chain) : made
    if (!event) return
    const before = heads.get(chain) ?? { chain, seq: 0, hash: genesisHash }
    const seq = before.seq + 1
    const text = JSON.stringify(event)
    const linkHash = hash('sha256', linkText(before.hash, chain, seq, text))
    heads.set(chain, { chain, seq, hash: linkHash })
    lines.push(`{"chain":"${chain}","seq":${seq},"hash":"${linkHash}","event":${text}}`)
  }
  return {
    lines,
    notes,
    publicKey: publicKeyText(signingKeyOf(origin, key)),
    write,
    open: (chain: string, at: string) =>
      write(chain, at, {
        type: 'chain.open',
        details: Object.fromEntries(
          [...heads.values()].map((head) => [`chain:${head.chain}`, `${head.seq}:${head.hash}`]),
        ),
      }),
    /** `inChain`: which tells of it, at its time or another. */
    checkpoint: (inChain: string, at: string, eventAt = at) => {
      const number = notes.length + 1
      const text = checkpointText({
        origin,
        number,
        at,
        previous,
        key: publicKeyText(signingKeyOf(origin, key)),
        chains: heads.size,
        chainsDigest: digestOfHeads(heads.values(), crypto.sha256Hex),
        heads: [...heads.values()]
          .filter((head) => signed.get(head.chain)?.hash !== head.hash)
          .toSorted(byChain),
      })
      previous = hash('sha256', text)
      for (const head of heads.values()) signed.set(head.chain, head)
      const note = checkpointNote(text, signingKeyOf(origin, key), sign(null, Buffer.from(text), key))
      notes.push(note)
      const details = { number, digest: previous, note: noteInEvent(note, number) }
      write(inChain, eventAt, { type: 'audit.checkpoint', details })
    },
  }
}

/** Four rounds: in each, chain-a and chain-b grow, and a checkpoint is signed, of which chain-a tells. */
export function createSignedExport(options: ExportOptions = {}): SignedExport {
  const { lines, notes, publicKey, write, open, checkpoint } = createTrailWriter(options)
  let count = 0
  const next = () => `2026-11-23T10:00:00.${String(count++).padStart(3, '0')}Z`
  open('chain-a', next())
  for (const number of [1, 2, 3, 4]) {
    write('chain-a', next(), { type: 'user.create', username: `alice-${number}` })
    if (number === 2) open('chain-b', next())
    if (number > 1)
      write('chain-b', next(), { type: 'url.issue', decision: 'deny', username: `bob-${number}` })
    write('chain-a', next(), { type: 'team.create', team: `vision-${number}` })
    checkpoint('chain-a', `2026-11-23T10:0${number}:00.000Z`, next())
  }
  return { lines, notes, publicKey }
}

import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import {
  checkpointNoteIn,
  createChainVerifier,
  createCheckpointVerifier,
  createRemovals,
  expectationsOf,
  expiryVerdict,
  isCovered,
  notesInFile,
  proofNotesIn,
  readNote,
  readCheckpointText,
  readPublicKey,
  type AuditEvent,
  type AuditVerification,
  type ChainedAuditEvent,
} from '@signpost/contract'
import { checkpointCrypto } from './checkpoint-crypto.ts'
import { UsageError } from './errors.ts'

export interface ExportToVerify {
  export: string
  /** Left out: only the hash chains are checked. */
  publicKey?: string
  /** Checkpoints that were kept elsewhere. */
  checkpoints?: string
}

export interface ExportVerification extends AuditVerification {
  /** The last checkpoint of those that were kept elsewhere; the export may tell of more. */
  keptUntil?: number
  /** Events whose texts the export changed: their hashes could not be computed anew. Left out: none. */
  pseudonymisedEvents?: number
}

/**
 * Checks a whole export without any server: its hash chains, and the checkpoints that it tells of or that were kept
 * elsewhere. Reads the export twice: what later chains and checkpoints say of earlier events must be known before.
 */
export async function verifyExport(
  asked: ExportToVerify,
  signal: AbortSignal,
  clock: () => number = Date.now,
): Promise<ExportVerification> {
  const { export: file, publicKey, checkpoints } = asked
  if (file === '-') throw new UsageError('--export is read twice: give a file, not standard input')
  if (checkpoints !== undefined && publicKey === undefined)
    throw new UsageError('--checkpoints: give --public-key, too: without it anybody could have signed them')
  if (publicKey !== undefined && !readPublicKey(publicKey, checkpointCrypto))
    throw new UsageError(
      '--public-key: it is no public key: write it as `signpost audit public-key` prints it, whole; from a file: "$(cat audit.pub)"',
    )
  const openings: ChainedAuditEvent[] = []
  const notes: string[] = []
  const removals = createRemovals()
  for await (const { link } of linksIn(file, signal)) {
    removals.add(link)
    if (link.event.type === 'chain.open') openings.push(link)
    if (publicKey !== undefined) notes.push(...notesIn(link.event))
  }
  const verifier = createCheckpointVerifier(checkpointCrypto)
  const kept =
    checkpoints === undefined ? [] : notesInFile(await readFile(checkpoints, { encoding: 'utf8', signal }))
  verifier.addSequence(kept)
  for (const note of notes) verifier.add(note)
  const signed = verifier.finish(publicKey, removals.checkpoints)
  const expected = expectationsOf(signed.heads)
  const chains = createChainVerifier(checkpointCrypto.sha256Hex, openings, expected, removals)
  let uncoveredEvents = 0
  for await (const { link, text, pseudonymised } of linksIn(file, signal)) {
    chains.add(link, text, pseudonymised)
    if (!isCovered(link, signed.covered)) uncoveredEvents += 1
  }
  const { problems, ...counts } = chains.finish()
  const { expiries, firstBad: badExpiry } = expiryVerdict({
    records: removals.expiries,
    policies: removals.policies,
    vouched: publicKey === undefined ? undefined : signed.vouched,
    now: clock(),
  })
  const firstBad = problems[0] ?? badExpiry
  const told = { ...counts, ...(expiries ? { expiries } : {}) }
  if (publicKey === undefined) return { ok: firstBad === null, ...told, firstBad }
  const { count, last, firstBad: badCheckpoint } = signed
  return {
    ok: firstBad === null && badCheckpoint === null,
    ...told,
    firstBad,
    checkpoints: { count, last, uncoveredEvents, firstBad: badCheckpoint },
    ...(checkpoints === undefined ? {} : { keptUntil: lastNumberOf(kept) }),
  }
}

/** Checkpoints that the trail tells of, also of such as vouch for what is gone. */
function notesIn(event: AuditEvent): string[] {
  const own = checkpointNoteIn(event)
  return [...(own === undefined ? [] : [own]), ...proofNotesIn(event).map(({ note }) => note)]
}

/** 0: there is none, or it cannot be read. */
export function lastNumberOf(notes: readonly string[]): number {
  const text = readNote(notes.at(-1) ?? '')?.text
  return (text === undefined ? undefined : readCheckpointText(text)?.number) ?? 0
}

interface ExportedLink {
  link: ChainedAuditEvent
  /** The event's text, to the byte. */
  text: string
  /** Says so itself: whoever changed a line could write it there, and is counted among them. */
  pseudonymised: boolean
}

async function* linksIn(file: string, signal: AbortSignal): AsyncGenerator<ExportedLink, void, void> {
  let number = 0
  for await (const line of createInterface({
    input: createReadStream(file, { signal }),
    crlfDelay: Infinity,
  })) {
    number += 1
    if (line === '') continue
    const link = linkOf(line, `${file}, line ${number}`)
    yield { link, text: eventTextIn(line, link), pseudonymised: pseudonymisedBeginning.test(line) }
  }
}

/** As `signpost audit export --pseudonymised` writes it. */
const pseudonymisedBeginning = /^\{"chain":"[^"]+","seq":\d+,"hash":"[0-9a-f]{64}","pseudonymised":true,/

/** Not the event written anew: another text that reads the same, such as one with a name twice, would pass. */
function eventTextIn(line: string, { chain, seq, hash }: ChainedAuditEvent): string {
  const before = `{"chain":${JSON.stringify(chain)},"seq":${seq},"hash":"${hash}","event":`
  return line.startsWith(before) && line.endsWith('}') ? line.slice(before.length, -1) : line
}

function linkOf(line: string, place: string): ChainedAuditEvent {
  try {
    const link = JSON.parse(line) as Partial<ChainedAuditEvent> | null
    const { chain, seq, hash, event } = link ?? {}
    if (typeof chain === 'string' && typeof seq === 'number' && typeof hash === 'string' && event)
      return { chain, seq, hash, event }
  } catch {
    // Said below: with its place, and without its content.
  }
  throw new Error(`${place}: it is no exported audit event`)
}

import type { AuditEvent } from '@signpost/contract'
import { searchable } from './audit-columns.ts'
import type { WrittenEvent } from './written-event.ts'

/**
 * Audit events written out, one after another, outside of V8's heap: thousands of texts that wait for the disk would else
 * be copied by each of the collector's rounds. The bytes are shared, so that the thread that writes has them as they are,
 * hashes them where they lie, and hands them to the database.
 */
export interface EventPack {
  /** Of each event: room for its link (`linkRoom`), its text, its key and grant id as columns; each may be empty. */
  bytes: Buffer
  /** How many bytes are taken. */
  length: number
  /** Of each event: where its text begins and ends, and where its key and its grant id end. */
  marks: Int32Array
  count: number
  /** Per run of events that have the same head: a batch has nearly all in common. */
  heads: EventHead[]
}

export interface EventHead {
  /** How many events in a row have this head. */
  count: number
  at: number
  type: string
  decision: 'allow' | 'deny'
  principalId: string | null
  username: string | null
  team: string | null
}

/** Before each text there is room for what goes before it into the hash: a hash, the id of the chain, and a number. */
export const linkRoom = 128
export const marksOfEvent = 4

const firstBytes = 64 * 1024
const firstEvents = 128
/** UTF-8 takes no more for one UTF-16 unit. */
const bytesOfUnitMax = 3

export function createEventPack(): EventPack {
  return {
    bytes: Buffer.from(new SharedArrayBuffer(firstBytes)),
    length: 0,
    marks: new Int32Array(new SharedArrayBuffer(firstEvents * marksOfEvent * Int32Array.BYTES_PER_ELEMENT)),
    count: 0,
    heads: [],
  }
}

/** Empty again, in the same place. */
export function clearPack(pack: EventPack): void {
  pack.length = 0
  pack.count = 0
  pack.heads = []
}

/** Writes events at the end: now, so that later changes to them do not count. All of them, or it throws and none. */
export function addEvents(pack: EventPack, events: readonly (AuditEvent | WrittenEvent)[]): void {
  const { length, count } = pack
  const heads = pack.heads.length
  let before: AuditEvent | WrittenEvent | undefined
  try {
    for (const event of events) {
      addEvent(pack, event, before)
      before = event
    }
  } catch (error) {
    pack.length = length
    pack.count = count
    pack.heads.length = heads
    throw error
  }
}

/** `before`: the one before it, where they may have a head in common. */
export function addEvent(
  pack: EventPack,
  event: AuditEvent | WrittenEvent,
  before?: AuditEvent | WrittenEvent,
): void {
  const text = 'text' in event ? event.text : JSON.stringify(event)
  const key = searchable(event.key) ?? ''
  const grantId = searchable(event.grantId) ?? ''
  if (!('text' in event) && key !== '' && grantId !== '') requireGrant(event)
  makeRoom(pack, linkRoom + (text.length + key.length + grantId.length) * bytesOfUnitMax, 1)
  const { bytes, marks } = pack
  let mark = pack.count * marksOfEvent
  let end = pack.length + linkRoom
  marks[mark++] = end
  // In one piece, which costs half of three; where all is ASCII, as mostly, that also tells where each ends.
  const whole = text + key + grantId
  if (bytes.write(whole, end) === whole.length) {
    marks[mark++] = end += text.length
    marks[mark++] = end += key.length
    marks[mark] = end += grantId.length
  } else {
    marks[mark++] = end += bytes.write(text, end)
    marks[mark++] = end += bytes.write(key, end)
    marks[mark] = end += bytes.write(grantId, end)
  }
  pack.length = end
  pack.count += 1
  const { heads } = pack
  if (before && sameBeginning(before, event)) heads[heads.length - 1]!.count += 1
  else heads.push(headOf(event))
}

/** Whoever asks for refusals of an object, or for what else was done with it, is shown what has no grant (`filtered`). */
function requireGrant({ type, decision }: AuditEvent): void {
  if (type === 'url.issue' && decision === 'allow') return
  throw new Error(`an event ${type}, ${decision}, of an object has a grant's id: say it in its details`)
}

/** All of another one behind this one. */
export function addPack(pack: EventPack, other: EventPack): void {
  makeRoom(pack, other.length, other.count)
  const { length, count, marks } = pack
  other.bytes.copy(pack.bytes, length, 0, other.length)
  const end = other.count * marksOfEvent
  for (let at = 0, to = count * marksOfEvent; at < end; at++, to++) marks[to] = other.marks[at]! + length
  for (const head of other.heads) pack.heads.push({ ...head })
  pack.length += other.length
  pack.count += other.count
}

/** Null: the column is empty. */
export function keyAt({ bytes, marks }: EventPack, event: number): string | null {
  const at = event * marksOfEvent
  return sliceOrNull(bytes, marks[at + 1]!, marks[at + 2]!)
}

export function grantIdAt({ bytes, marks }: EventPack, event: number): string | null {
  const at = event * marksOfEvent
  return sliceOrNull(bytes, marks[at + 2]!, marks[at + 3]!)
}

/** The bytes of an event's JSON, as they lie there. */
export function textAt({ bytes, marks }: EventPack, event: number): Buffer {
  const at = event * marksOfEvent
  return bytes.subarray(marks[at], marks[at + 1])
}

function sliceOrNull(bytes: Buffer, begin: number, end: number): string | null {
  return begin === end ? null : bytes.toString('utf8', begin, end)
}

function makeRoom(pack: EventPack, bytes: number, events: number): void {
  const needed = pack.length + bytes
  if (needed > pack.bytes.length) {
    const larger = Buffer.from(new SharedArrayBuffer(needed + (needed >> 1)))
    pack.bytes.copy(larger, 0, 0, pack.length)
    pack.bytes = larger
  }
  const marks = (pack.count + events) * marksOfEvent
  if (marks > pack.marks.length) {
    const size = Math.max(marks, pack.marks.length * 2) * Int32Array.BYTES_PER_ELEMENT
    const larger = new Int32Array(new SharedArrayBuffer(size))
    larger.set(pack.marks)
    pack.marks = larger
  }
}

function sameBeginning(one: AuditEvent | WrittenEvent, other: AuditEvent | WrittenEvent): boolean {
  if ('text' in one || 'text' in other) return 'text' in one && 'text' in other && one.common === other.common
  return one.at === other.at && sameButTime(one, other)
}

/** Do the events of both belong into one run? */
export function sameHead(one: EventHead, other: EventHead): boolean {
  return one.at === other.at && sameButTime(one, other)
}

function sameButTime(one: AuditEvent | EventHead, other: AuditEvent | EventHead): boolean {
  return (
    one.type === other.type &&
    one.decision === other.decision &&
    one.principalId === other.principalId &&
    one.username === other.username &&
    one.team === other.team
  )
}

function headOf(event: AuditEvent | WrittenEvent): EventHead {
  const [at, { type, decision, principalId, username, team }] =
    'text' in event ? [event.common.at, event.common] : [Date.parse(event.at), event]
  return {
    count: 1,
    at,
    type,
    decision,
    principalId: searchable(principalId),
    username: searchable(username),
    team: searchable(team),
  }
}

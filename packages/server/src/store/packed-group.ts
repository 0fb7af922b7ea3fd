import type { CommitGroup } from './commit-group.ts'
import type { EventHead } from './event-pack.ts'

/**
 * A commit group on its way to another thread. Cloning many objects costs more than all else that is done for an event:
 * so the events' bytes are shared, and their heads are one text. The group must stay as it is until the thread has answered.
 */
export interface PackedGroup {
  eventCounts: number[]
  /** Null: no unit has any. */
  statements: CommitGroup['statements'] | null
  bytes: SharedArrayBuffer
  marks: SharedArrayBuffer
  count: number
  length: number
  /** Per head its fields, each a line: no column has a line break, nor is one an empty text (`searchable`). */
  heads: string
}

export function packGroup({ eventCounts, statements, events }: CommitGroup): PackedGroup {
  let heads = ''
  for (const { count, at, type, decision, principalId, username, team } of events.heads)
    heads += `${count}\n${at}\n${type}\n${decision}\n${principalId ?? ''}\n${username ?? ''}\n${team ?? ''}\n`
  return {
    eventCounts,
    statements: statements.some((unit) => unit !== null) ? statements : null,
    bytes: events.bytes.buffer as unknown as SharedArrayBuffer,
    marks: events.marks.buffer as SharedArrayBuffer,
    count: events.count,
    length: events.length,
    heads,
  }
}

export function unpackGroup(packed: PackedGroup): CommitGroup {
  const { eventCounts, statements, bytes, marks, count, length, heads } = packed
  return {
    eventCounts,
    statements: statements ?? Array.from(eventCounts, () => null),
    events: {
      bytes: Buffer.from(bytes),
      length,
      marks: new Int32Array(marks),
      count,
      heads: headsOf(heads),
    },
  }
}

const fieldsOfHead = 7

function headsOf(text: string): EventHead[] {
  const fields = text.split('\n')
  const heads: EventHead[] = []
  for (let i = 0; i + fieldsOfHead < fields.length; i += fieldsOfHead) {
    heads.push({
      count: Number(fields[i]),
      at: Number(fields[i + 1]),
      type: fields[i + 2]!,
      decision: fields[i + 3] as EventHead['decision'],
      principalId: orNull(fields[i + 4]!),
      username: orNull(fields[i + 5]!),
      team: orNull(fields[i + 6]!),
    })
  }
  return heads
}

const orNull = (line: string) => (line === '' ? null : line)

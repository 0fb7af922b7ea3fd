import type { CommitGroup, EventHead } from './commit-group.ts'

/**
 * A commit group on its way to another thread. Cloning many short strings and objects costs more than all else that is
 * done for an event, one long string nearly nothing: so each column is one text, an item a line. No item holds a line
 * break: an event's JSON has none, a column has none (`searchable`), and there no column is an empty text.
 */
export interface PackedGroup {
  eventCounts: number[]
  /** Null: no unit has any. */
  statements: CommitGroup['statements'] | null
  texts: string
  keys: string
  grantIds: string
  /** Per head its fields, each a line. */
  heads: string
}

export function packGroup(group: CommitGroup): PackedGroup {
  const { eventCounts, statements } = group
  let heads = ''
  for (const { count, at, type, decision, principalId, username, team } of group.heads)
    heads += `${count}\n${at}\n${type}\n${decision}\n${principalId ?? ''}\n${username ?? ''}\n${team ?? ''}\n`
  return {
    eventCounts,
    statements: statements.some((unit) => unit !== null) ? statements : null,
    texts: group.texts.join('\n'),
    // A missing column's line is empty.
    keys: group.keys.join('\n'),
    grantIds: group.grantIds.join('\n'),
    heads,
  }
}

export function unpackGroup(packed: PackedGroup): CommitGroup {
  const { eventCounts, statements } = packed
  const texts = linesOf(packed.texts)
  return {
    eventCounts,
    statements: statements ?? Array.from(eventCounts, () => null),
    texts,
    keys: texts.length === 0 ? [] : packed.keys.split('\n').map(orNull),
    grantIds: texts.length === 0 ? [] : packed.grantIds.split('\n').map(orNull),
    heads: headsOf(packed.heads),
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

const linesOf = (text: string) => (text === '' ? [] : text.split('\n'))
const orNull = (line: string) => (line === '' ? null : line)

/** Putting other texts in the place of what was recorded of a person. */
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'
import type { Updateable } from 'kysely'
import type { NamingEvent, UnparsedLineRow } from './person-rows.ts'

/** Refused with `conflict` where the event is not as it was read. */
export function eraseEventText(
  db: Db,
  { chain, seq, event, hash }: NamingEvent,
  left: { text: string; erasure: string; keys: boolean },
): Statement[] {
  const permit = db.insertInto('audit_erasures').values({ chain, seq, erasure_id: left.erasure })
  const values = { event: left.text, ...(left.keys ? { object_key: null, key_place: null } : {}) }
  const change = db
    .updateTable('audit_events')
    .set(values)
    .where('chain', '=', chain)
    .where('seq', '=', seq)
    .where('hash', '=', hash)
    .where('event', '=', event)
  return [statementOf(permit.onConflict((conflict) => conflict.doNothing())), statementOf(change, 1)]
}

/** After the texts of all its events. */
export function eraseRun(db: Db, run: { chain: string; firstSeq: number }, erasure: string): Statement {
  return statementOf(
    db
      .updateTable('audit_runs')
      .set({ username: erasure, principal_id: erasure })
      .where('chain', '=', run.chain)
      .where('first_seq', '=', run.firstSeq),
    1,
  )
}

export function eraseRecord(
  db: Db,
  { at, digest }: { at: number; digest: number },
  values: Updateable<Tables['access_log_records']>,
): Statement {
  return statementOf(
    db.updateTable('access_log_records').set(values).where('at', '=', at).where('digest', '=', digest),
    1,
  )
}

/** `text`: whatever came in its place meanwhile stays. */
export function eraseLine(db: Db, { file_id: file, line, text }: UnparsedLineRow): Statement {
  return statementOf(
    db
      .updateTable('unparsed_lines')
      .set({ text: 'erased' })
      .where('file_id', '=', file)
      .where('line', '=', line)
      .where('text', '=', text),
  )
}

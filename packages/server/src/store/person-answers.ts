/** What people made of findings, and the alerts that they set: the places that name them. */
import type { Selectable } from 'kysely'
import { searchable } from './audit-columns.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type AnsweredFinding = Selectable<Tables['finding_states']>
export type SetAlert = Pick<Selectable<Tables['alerts']>, 'id' | 'name' | 'created_at'>

/** So many are looked through in one go. */
const pageRows = 1000

/** Whoever answered: a note may name anybody. */
export async function* eachAnsweredFinding(db: Db): AsyncGenerator<AnsweredFinding[]> {
  let after = { at: Number.MIN_SAFE_INTEGER, digest: -1 }
  for (;;) {
    const { at, digest } = after
    const rows = await db
      .selectFrom('finding_states')
      .selectAll()
      .where((eb) => eb.or([eb('at', '>', at), eb.and([eb('at', '=', at), eb('digest', '>', digest)])]))
      .orderBy('at')
      .orderBy('digest')
      .limit(pageRows)
      .execute()
    if (rows.length > 0) yield rows
    if (rows.length < pageRows) return
    after = rows.at(-1)!
  }
}

export async function listAlertsSetBy(db: Db, username: string): Promise<SetAlert[]> {
  return db
    .selectFrom('alerts')
    .select(['id', 'name', 'created_at'])
    .where('created_by', '=', searchable(username) ?? '')
    .orderBy('id')
    .execute()
}

/** Refused with `conflict` where somebody has answered otherwise meanwhile. */
export function eraseAnswer(
  db: Db,
  { at, digest, changed_by, note }: AnsweredFinding,
  left: Pick<AnsweredFinding, 'changed_by' | 'note'>,
): Statement {
  return statementOf(
    db
      .updateTable('finding_states')
      .set(left)
      .where('at', '=', at)
      .where('digest', '=', digest)
      .where('changed_by', '=', changed_by)
      .where('note', '=', note),
    1,
  )
}

export function eraseAlertMaker(db: Db, id: string, erasure: string): Statement {
  return statementOf(db.updateTable('alerts').set({ created_by: erasure }).where('id', '=', id))
}

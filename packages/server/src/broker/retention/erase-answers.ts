/** Takes a person out of what people made of findings, and out of alerts: who answered, what the notes say, who set one. */
import { withoutNames } from '../../domain/erase-event.ts'
import { isHeld } from '../../domain/hold.ts'
import {
  eachAnsweredFinding,
  eraseAlertMaker,
  eraseAnswer,
  listAlertsSetBy,
  type AnsweredFinding,
} from '../../store/person-answers.ts'
import { requireRevision } from '../../store/retention.ts'
import type { Statement } from '../../store/store.ts'
import type { BrokerDeps } from '../deps.ts'
import type { Erasure, Touched } from './erase-trail.ts'

type Deps = Pick<BrokerDeps, 'store'>

/** `write`: false only counts. */
export async function eraseAnswers({ store }: Deps, erasure: Erasure, write: boolean): Promise<Touched> {
  const { person, holds, revision, record } = erasure
  const touched: Touched = { count: 0, held: 0, done: true }
  const { username } = person
  const commit = async (statements: readonly Statement[]) => {
    if (!write || statements.length === 0) return
    await store.commit({
      statements: [requireRevision(store.db, revision), ...statements],
      events: [record({ answers: statements.length })],
    })
  }
  for await (const rows of eachAnsweredFinding(store.db)) {
    const naming = rows.flatMap((row) => {
      const left = leftOf(row, erasure)
      return left ? [{ row, left }] : []
    })
    const free = naming.filter(({ row }) => !isHeld(holds, { at: row.changed_at, username, team: null }))
    touched.held += naming.length - free.length
    touched.count += free.length
    await commit(free.map(({ row, left }) => eraseAnswer(store.db, row, left)))
  }
  const alerts = await listAlertsSetBy(store.db, username)
  const free = alerts.filter((alert) => !isHeld(holds, { at: alert.created_at, username, team: null }))
  touched.held += alerts.length - free.length
  touched.count += free.length
  await commit(free.map(({ id }) => eraseAlertMaker(store.db, id, erasure.erasure)))
  return touched
}

/** Undefined: it does not name them. */
function leftOf(
  { changed_by: by, note }: AnsweredFinding,
  { person, erasure }: Erasure,
): Pick<AnsweredFinding, 'changed_by' | 'note'> | undefined {
  const left = {
    changed_by: by === person.username ? erasure : by,
    note: withoutNames(note, person.names, erasure),
  }
  return left.changed_by === by && left.note === note ? undefined : left
}

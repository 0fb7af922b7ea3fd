import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'

/** What the doctor found last; JSON of the answer. */
export async function findDoctorReport(db: Db, connectorId: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('doctor_reports')
    .select('report')
    .where('connector_id', '=', connectorId)
    .executeTakeFirst()
  return row?.report
}

/** Takes the place of the last one. Where the connector has been deleted meanwhile, nothing is written. */
export function saveDoctorReport(db: Db, connectorId: string, at: number, report: string): Statement {
  const values = db
    .selectFrom('connectors')
    .select((eb) => ['connectors.id', eb.val(at).as('at'), eb.val(report).as('report')])
    .where('connectors.id', '=', connectorId)
  return statementOf(
    db
      .insertInto('doctor_reports')
      .columns(['connector_id', 'at', 'report'])
      .expression(values)
      .onConflict((conflict) => conflict.column('connector_id').doUpdateSet({ at, report })),
  )
}

export interface Examined {
  id: string
  name: string
  /** Null: the doctor has not looked yet. */
  at: number | null
  report: string | null
}

/** All connectors, those that were looked at longest ago first. */
export async function listExamined(db: Db, limit: number): Promise<Examined[]> {
  return db
    .selectFrom('connectors')
    .leftJoin('doctor_reports', 'doctor_reports.connector_id', 'connectors.id')
    .select([
      'connectors.id as id',
      'connectors.name as name',
      'doctor_reports.at as at',
      'doctor_reports.report as report',
    ])
    .orderBy((eb) => eb.fn.coalesce('doctor_reports.at', eb.lit(0)))
    .orderBy('connectors.id')
    .limit(limit)
    .execute()
}

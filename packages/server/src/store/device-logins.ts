import type { Insertable, Selectable } from 'kysely'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type DeviceLoginRow = Selectable<Tables['device_logins']>

export async function findDeviceLogin(db: Db, id: string): Promise<DeviceLoginRow | undefined> {
  return db.selectFrom('device_logins').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function findDeviceLoginByUserCode(
  db: Db,
  userCode: string,
): Promise<DeviceLoginRow | undefined> {
  return db.selectFrom('device_logins').selectAll().where('user_code', '=', userCode).executeTakeFirst()
}

export async function countDeviceLogins(db: Db, now: number): Promise<number> {
  const { count } = await db
    .selectFrom('device_logins')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('expires_at', '>', now)
    .executeTakeFirstOrThrow()
  return Number(count)
}

export function insertDeviceLogin(db: Db, row: Insertable<Tables['device_logins']>): Statement {
  return statementOf(db.insertInto('device_logins').values(row))
}

/** Once only: refused with `conflict` where somebody else was first. */
export function decideDeviceLogin(
  db: Db,
  { id }: Pick<DeviceLoginRow, 'id'>,
  decided: Pick<DeviceLoginRow, 'state' | 'principal_id' | 'came_by'>,
): Statement {
  return statementOf(
    db.updateTable('device_logins').set(decided).where('id', '=', id).where('state', '=', 'waiting'),
    1,
  )
}

export function noteDeviceAsked(
  db: Db,
  { id }: Pick<DeviceLoginRow, 'id'>,
  noted: Pick<DeviceLoginRow, 'asked_at' | 'interval_ms'>,
): Statement {
  return statementOf(db.updateTable('device_logins').set(noted).where('id', '=', id))
}

/** Once only, and only by whoever confirmed it. */
export function takeDeviceLogin(db: Db, { id, principal_id }: DeviceLoginRow): Statement {
  return statementOf(
    db
      .deleteFrom('device_logins')
      .where('id', '=', id)
      .where('state', '=', 'confirmed')
      .where('principal_id', '=', principal_id),
    1,
  )
}

/** Confirmed ones whose token was not fetched yet. */
export function deleteDeviceLoginsThatCameBy(db: Db, cameBy: string): Statement {
  return statementOf(db.deleteFrom('device_logins').where('came_by', '=', cameBy))
}

export function deleteDeviceLoginsOf(db: Db, principalId: string): Statement {
  return statementOf(db.deleteFrom('device_logins').where('principal_id', '=', principalId))
}

export function deleteDeviceLoginsBefore(db: Db, at: number): Statement {
  return statementOf(db.deleteFrom('device_logins').where('expires_at', '<', at))
}

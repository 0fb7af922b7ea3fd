/**
 * Breaking the glass: whoever has the data folder, or the database, makes themselves an API key of an organisation admin, when
 * nobody can log in. Needs neither the server nor an identity provider, and is recorded.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { makeApiKey } from '../domain/api-key.ts'
import { isoOf } from '../domain/instant.ts'
import { markersOf } from '../domain/pseudonym.ts'
import { insertApiKey } from '../store/api-keys.ts'
import { findPrincipal, insertPrincipal, type PrincipalRow } from '../store/principals.ts'
import { statementOf } from '../store/statement.ts'
import type { Statement, Store } from '../store/store.ts'
import { writeSecretFile } from './data-folder.ts'
import { StartError } from './start-error.ts'

export const recoverName = 'break-glass'
export const recoverTokenFile = 'recover-token'
const lifeMs = 24 * 3600 * 1000
/** In `role_came_by`: who has only chosen the name is not made an admin. */
const mark = 'recover'
const namesMax = 9

export interface RecoverDeps {
  store: Store
  clock: () => number
  newId: () => string
  randomBytes: (size: number) => Uint8Array
}

export interface Recovered {
  username: string
  file: string
  expiresAt: string
}

export async function recover(deps: RecoverDeps, folder: string): Promise<Recovered> {
  const { db } = deps.store
  const now = deps.clock()
  const { username, id: principalId, statements } = await recoverer(deps)
  const key = makeApiKey(deps.randomBytes)
  const expiresAt = now + lifeMs
  const file = join(folder, recoverTokenFile)
  rmSync(file, { force: true })
  if (!writeSecretFile(folder, recoverTokenFile, key.token))
    throw new StartError(`${file} was made by somebody else at the same time: run it again.`)
  try {
    await deps.store.commit({
      statements: [
        ...statements,
        insertApiKey(db, {
          id: key.id,
          principal_id: principalId,
          name: 'recover',
          secret_hash: key.secretHash,
          created_at: now,
          expires_at: expiresAt,
          last_used_at: null,
        }),
      ],
      events: [
        {
          id: deps.newId(),
          at: isoOf(now),
          type: 'admin.recover',
          decision: 'allow',
          reason: 'data_folder',
          principalId,
          principalKind: 'user',
          username,
          expiresAt: isoOf(expiresAt),
          details: { key: key.id },
        },
      ],
    })
  } catch (error) {
    rmSync(file, { force: true })
    throw error
  }
  return { username, file, expiresAt: isoOf(expiresAt) }
}

/**
 * The user that an earlier call has made, active and admin again; else a new one, by a name that is free. Nine names are
 * tried, and then one that nobody can have taken beforehand.
 */
async function recoverer(
  deps: RecoverDeps,
): Promise<{ id: string; username: string; statements: Statement[] }> {
  const { db } = deps.store
  const numbers = Array.from({ length: namesMax - 1 }, (_, index) => String(index + 2))
  const unguessable = Buffer.from(deps.randomBytes(8)).toString('hex')
  for (const suffix of ['', ...numbers, unguessable]) {
    const username = suffix === '' ? recoverName : `${recoverName}-${suffix}`
    const found = await findPrincipal(db, username)
    if (found && !isOurs(found)) continue
    if (found) {
      const again = { active: 1, organisation_role: 'admin' }
      const update = db.updateTable('principals').set(again).where('id', '=', found.id)
      return { id: found.id, username, statements: [statementOf(update, 1), ...waysIn(db, found.id)] }
    }
    const id = deps.newId()
    const now = deps.clock()
    const insert = insertPrincipal(db, {
      id,
      kind: 'user',
      username,
      display_name: 'Made by recover',
      organisation_role: 'admin',
      team_id: null,
      active: 1,
      ...markersOf(username, deps.randomBytes),
      created_at: now,
      updated_at: now,
      role_came_by: mark,
    })
    return { id, username, statements: [insert] }
  }
  throw new StartError(`The names ${recoverName} to ${recoverName}-${namesMax} are all taken by others.`)
}

/** While it was nobody's admin, somebody with less may have made themselves a way to act as it: none of them is one to an admin. */
function waysIn(db: Store['db'], principalId: string): Statement[] {
  const tables = ['api_keys', 'external_identities', 'device_logins', 'trust_rules'] as const
  return tables.map((table) => statementOf(db.deleteFrom(table).where('principal_id', '=', principalId)))
}

function isOurs({ kind, role_came_by }: PrincipalRow): boolean {
  return kind === 'user' && role_came_by === mark
}

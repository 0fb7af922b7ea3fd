/** The first organisation admin, on an empty database only, by whichever replica comes first. */
import { unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { SignpostError } from '@signpost/contract'
import { scidOf } from '@signpost/signing'
import type { BrokerDeps } from '../broker/deps.ts'
import { makeApiKey, parseApiKey } from '../domain/api-key.ts'
import { isoOf } from '../domain/instant.ts'
import { makePseudonym } from '../domain/pseudonym.ts'
import { insertPrincipal } from '../store/principals.ts'
import { writeSecretFile } from './data-folder.ts'
import { demoTokenFile } from './demo.ts'
import { keyUnit, readKeyFile } from './key-file.ts'
import { isUnfinished, markFinished, markUnfinished } from './unfinished.ts'

export const adminName = 'admin'
export const adminTokenFile = 'admin-token'

export interface FirstAdmin {
  token: string
  /** The operator's own choice: not written to a file and not shown. */
  chosen: boolean
  /** The data folder held keys from before this database, and they were taken over. */
  keysKept: boolean
  /** Made by a start that was cut short before it had shown everything. */
  isFromBefore: boolean
}

/** Undefined: there are principals already, or another replica was first, and no start of this folder was cut short. */
export async function createFirstAdmin(
  deps: BrokerDeps,
  chosenToken: string | undefined,
  folder: string,
): Promise<FirstAdmin | undefined> {
  const { db } = deps.store
  if (await db.selectFrom('principals').select('id').limit(1).executeTakeFirst())
    return isUnfinished(folder) ? adminFromBefore(chosenToken, folder) : undefined
  // What cannot be used must show before anything is made: the next start would no longer be the first.
  const demoKey = readKeyFile(join(folder, demoTokenFile))
  // The file is there before the key works: after a crash in between, the next start goes on with the same one.
  const wroteFile =
    chosenToken === undefined && writeSecretFile(folder, adminTokenFile, makeApiKey(deps.randomBytes).token)
  const token = chosenToken ?? readKeyFile(join(folder, adminTokenFile))?.token ?? ''
  const key = parseApiKey(token)
  if (!key) throw new Error('the first admin has no key')
  markUnfinished(folder)
  try {
    await deps.store.commit(firstAdminUnit(deps, key))
    const chosen = chosenToken !== undefined
    const keysKept = demoKey !== undefined || !(chosen || wroteFile)
    return { token, chosen, keysKept, isFromBefore: false }
  } catch (error) {
    if (!(error instanceof SignpostError && error.code === 'conflict')) throw error
    if (wroteFile) unlinkSync(join(folder, adminTokenFile))
    markFinished(folder)
    return undefined
  }
}

function adminFromBefore(chosenToken: string | undefined, folder: string): FirstAdmin | undefined {
  const token = chosenToken ?? readKeyFile(join(folder, adminTokenFile))?.token
  if (token === undefined) return undefined
  return { token, chosen: chosenToken !== undefined, keysKept: false, isFromBefore: true }
}

function firstAdminUnit(deps: BrokerDeps, key: { id: string; secret: string }) {
  const { db } = deps.store
  const now = deps.clock()
  const principalId = deps.newId()
  const made = keyUnit(deps, key, { principalId, username: adminName })
  return {
    statements: [
      insertPrincipal(db, {
        id: principalId,
        kind: 'user',
        username: adminName,
        display_name: null,
        organisation_role: 'admin',
        team_id: null,
        active: 1,
        scid: scidOf(adminName),
        pseudonym: makePseudonym(deps.randomBytes),
        created_at: now,
      }),
      ...made.statements,
    ],
    events: [
      {
        id: deps.newId(),
        at: isoOf(now),
        type: 'user.create' as const,
        decision: 'allow' as const,
        reason: 'first_start',
        principalId,
        username: adminName,
      },
      ...made.events,
    ],
  }
}

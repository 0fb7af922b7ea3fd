/** The first organisation admin, on an empty database only, by whichever replica comes first. */
import { unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { SignpostError } from '@signpost/contract'
import { scidOf } from '@signpost/signing'
import type { BrokerDeps } from '../broker/deps.ts'
import { hashSecret, makeApiKey, parseApiKey } from '../domain/api-key.ts'
import { isoOf } from '../domain/instant.ts'
import { makePseudonym } from '../domain/pseudonym.ts'
import { insertApiKey } from '../store/api-keys.ts'
import { insertPrincipal } from '../store/principals.ts'
import { readSecretFile, writeSecretFile } from './data-folder.ts'
import { StartError } from './start-error.ts'

export const adminName = 'admin'
export const adminTokenFile = 'admin-token'

export interface FirstAdmin {
  token: string
  /** The operator's own choice: not written to a file and not shown. */
  chosen: boolean
}

/** Undefined: there are principals already, or another replica was first. */
export async function createFirstAdmin(
  deps: BrokerDeps,
  chosenToken: string | undefined,
  folder: string,
): Promise<FirstAdmin | undefined> {
  const { db } = deps.store
  if (await db.selectFrom('principals').select('id').limit(1).executeTakeFirst()) return undefined
  // The file is there before the key works: after a crash in between, the next start goes on with the same one.
  const wroteFile =
    chosenToken === undefined && writeSecretFile(folder, adminTokenFile, makeApiKey(deps.randomBytes).token)
  const token = chosenToken ?? readSecretFile(join(folder, adminTokenFile)) ?? ''
  const key = parseApiKey(token)
  if (!key)
    throw new StartError(
      `${join(folder, adminTokenFile)} does not hold an API key. Remove the file, so that a new one is made, or put the right one back.`,
    )
  try {
    await deps.store.commit(firstAdminUnit(deps, key))
    return { token, chosen: chosenToken !== undefined }
  } catch (error) {
    if (!(error instanceof SignpostError && error.code === 'conflict')) throw error
    if (wroteFile) unlinkSync(join(folder, adminTokenFile))
    return undefined
  }
}

function firstAdminUnit(deps: BrokerDeps, key: { id: string; secret: string }) {
  const { db } = deps.store
  const now = deps.clock()
  const principalId = deps.newId()
  const common = { at: isoOf(now), decision: 'allow', reason: 'first_start', username: adminName } as const
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
      insertApiKey(db, {
        id: key.id,
        principal_id: principalId,
        name: 'first start',
        secret_hash: hashSecret(key.secret),
        created_at: now,
        expires_at: null,
        last_used_at: null,
      }),
    ],
    events: [
      { id: deps.newId(), ...common, type: 'user.create' as const, principalId },
      { id: deps.newId(), ...common, type: 'apiKey.create' as const, principalId, apiKeyId: key.id },
    ],
  }
}

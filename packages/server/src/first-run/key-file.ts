/** API keys that stand in files of the data folder, and how one comes into the database. */
import type { BrokerDeps } from '../broker/deps.ts'
import { hashSecret, parseApiKey } from '../domain/api-key.ts'
import { isoOf } from '../domain/instant.ts'
import { insertApiKey } from '../store/api-keys.ts'
import type { WriteUnit } from '../store/store.ts'
import { readSecretFile } from './data-folder.ts'
import { StartError } from './start-error.ts'

export interface KeptKey {
  token: string
  id: string
  secret: string
}

/** Undefined: there is no such file. Throws a `StartError` when it holds something else. */
export function readKeyFile(file: string): KeptKey | undefined {
  const token = readSecretFile(file)
  if (token === undefined) return undefined
  const key = parseApiKey(token)
  if (!key)
    throw new StartError(
      `${file} does not hold an API key. Remove the file, so that a new one is made, or put the right one back.`,
    )
  return { token, ...key }
}

/** Makes a key that was there before the database valid in it; recorded as every new key is. */
export function keyUnit(
  deps: BrokerDeps,
  key: { id: string; secret: string },
  owner: { principalId: string; username: string },
): WriteUnit {
  const now = deps.clock()
  return {
    statements: [
      insertApiKey(deps.store.db, {
        id: key.id,
        principal_id: owner.principalId,
        name: 'first start',
        secret_hash: hashSecret(key.secret),
        created_at: now,
        expires_at: null,
        last_used_at: null,
      }),
    ],
    events: [
      {
        id: deps.newId(),
        at: isoOf(now),
        type: 'apiKey.create',
        decision: 'allow',
        reason: 'first_start',
        ...owner,
        apiKeyId: key.id,
      },
    ],
  }
}

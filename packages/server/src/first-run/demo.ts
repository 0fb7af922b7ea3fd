/** Team `demo` on the embedded store, with one member: made over the API by the first admin. */
import { join } from 'node:path'
import { readSecretFile, writeSecretFile } from './data-folder.ts'
import { embeddedBucket, embeddedConnector, embeddedRegion, type EmbeddedStore } from './embedded-store.ts'
import type { OwnApi } from './own-api.ts'

export const demoTeam = 'demo'
export const demoUser = 'demo-user'
export const demoTokenFile = 'demo-token'
/** What another replica, or a start that was cut short, has made already. */
const thereAlready = [409]

/** Answers the member's API key. */
export async function createDemo(
  api: OwnApi,
  admin: string,
  embedded: EmbeddedStore,
  folder: string,
): Promise<string> {
  const { endpoint, credential } = embedded
  await api.call(
    admin,
    'POST',
    '/v1/connectors',
    {
      settings: {
        kind: 's3',
        name: embeddedConnector,
        bucket: embeddedBucket,
        endpoint,
        region: embeddedRegion,
        addressing: 'path',
        credential: { type: 'static', ...credential },
      },
      isDefault: true,
      // The walk that follows shows that the store answers.
      check: false,
    },
    thereAlready,
  )
  await api.call(admin, 'POST', '/v1/teams', { name: demoTeam }, thereAlready)
  await api.call(admin, 'POST', '/v1/users', { username: demoUser }, thereAlready)
  await api.call(admin, 'PUT', `/v1/teams/${demoTeam}/members/${demoUser}`, { role: 'member' })
  const kept = readSecretFile(join(folder, demoTokenFile))
  if (kept !== undefined) return kept
  const { token } = await api.call<{ token: string }>(admin, 'POST', '/v1/api-keys', {
    username: demoUser,
    name: 'first start',
  })
  writeSecretFile(folder, demoTokenFile, token)
  return token
}

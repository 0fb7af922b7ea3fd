/** Team `demo` on the embedded store, with one member: made over the API by the first admin. */
import { join } from 'node:path'
import type { BrokerDeps } from '../broker/deps.ts'
import { writeSecretFile } from './data-folder.ts'
import { embeddedBucket, embeddedConnector, embeddedRegion, type EmbeddedStore } from './embedded-store.ts'
import { keyUnit, readKeyFile } from './key-file.ts'
import type { OwnApi } from './own-api.ts'

export const demoTeam = 'demo'
export const demoUser = 'demo-user'
export const demoTokenFile = 'demo-token'
/** What another replica, or a start that was cut short, has made already. */
const thereAlready = [409]

/** Answers the member's API key: the one that the data folder holds from before this database, else a new one. */
export async function createDemo(
  { deps, api }: { deps: BrokerDeps; api: OwnApi },
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
  const settings = { kind: 'local-store' }
  const source = { name: embeddedConnector, connector: embeddedConnector, format: 'local-store', settings }
  await api.call(admin, 'POST', '/v1/log-sources', source, thereAlready)
  await api.call(admin, 'POST', '/v1/teams', { name: demoTeam }, thereAlready)
  await api.call(admin, 'POST', '/v1/users', { username: demoUser }, thereAlready)
  await api.call(admin, 'PUT', `/v1/teams/${demoTeam}/members/${demoUser}`, { role: 'member' })
  const kept = readKeyFile(join(folder, demoTokenFile))
  if (kept) {
    if (await deps.store.hot.findKey(kept.id)) return kept.token
    const { id: principalId } = await api.call<{ id: string }>(admin, 'GET', `/v1/users/${demoUser}`)
    await deps.store.commit(keyUnit(deps, kept, { principalId, username: demoUser }))
    return kept.token
  }
  const { token } = await api.call<{ token: string }>(admin, 'POST', '/v1/api-keys', {
    username: demoUser,
    name: 'first start',
  })
  writeSecretFile(folder, demoTokenFile, token)
  return token
}

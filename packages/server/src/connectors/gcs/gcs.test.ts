import type { ConnectorSettings } from '@signpost/contract'
import { freePort } from '../../../../../tests/servers/daemon.ts'
import { startGcs, type Gcs } from '../../../../../tests/servers/gcs.ts'
import { connectorContract, type ContractTarget } from '../connector-contract.ts'

type GcsSettings = Extract<ConnectorSettings, { kind: 'gcs' }>

const bucket = 'contract'

connectorContract('gcs with a service account’s key', { skip: false }, async () => {
  const gcs = await startGcs({ buckets: [bucket] })
  const stranger = await startGcs()
  await stranger.stop()
  const { clientEmail } = gcs.serviceAccount
  return targetOf(
    gcs,
    { type: 'serviceAccountKey', clientEmail, privateKey: gcs.serviceAccount.privateKeyPem },
    { type: 'serviceAccountKey', clientEmail, privateKey: stranger.serviceAccount.privateKeyPem },
  )
})

connectorContract('gcs with an HMAC key', { skip: false }, async () => {
  const gcs = await startGcs({ buckets: [bucket] })
  const { accessId, secret } = gcs.hmacKey
  return targetOf(
    gcs,
    { type: 'hmacKey', accessId, secret },
    { type: 'hmacKey', accessId, secret: 'not-the-secret' },
  )
})

async function targetOf(
  gcs: Gcs,
  credential: GcsSettings['credential'],
  wrong: GcsSettings['credential'],
): Promise<ContractTarget> {
  const settings: GcsSettings = {
    kind: 'gcs',
    name: 'gcs',
    bucket,
    endpoint: gcs.endpoint,
    addressing: 'path',
    marker: 'username',
    credential,
  }
  return {
    settings,
    deps: { clock: Date.now, fetch },
    wrongCredential: { ...settings, credential: wrong },
    unreachable: { ...settings, endpoint: `http://127.0.0.1:${await freePort()}` },
    stop: gcs.stop,
  }
}

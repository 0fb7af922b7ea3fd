import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { ConnectorSettings } from '@signpost/contract'
import { freePort } from '../../../../../tests/servers/daemon.ts'
import { requireServer } from '../../../../../tests/servers/install.ts'
import { startRgw } from '../../../../../tests/servers/rgw.ts'
import { connectorContract, type ContractTarget } from '../connector-contract.ts'

connectorContract('s3 on Ceph', requireServer('rgw'), async (): Promise<ContractTarget> => {
  const rgw = await startRgw()
  const settings = {
    kind: 's3',
    name: 'ceph',
    bucket: 'contract',
    endpoint: rgw.endpoint,
    region: rgw.region,
    addressing: 'path',
    marker: 'username',
    credential: { type: 'static', accessKeyId: rgw.accessKeyId, secretAccessKey: rgw.secretAccessKey },
  } satisfies ConnectorSettings
  await makeBucket(settings)
  return {
    settings,
    deps: { clock: Date.now, fetch },
    wrongCredential: {
      ...settings,
      credential: { ...settings.credential, secretAccessKey: 'not-the-secret' },
    },
    unreachable: { ...settings, endpoint: `http://127.0.0.1:${await freePort()}` },
    stop: rgw.stop,
  }
})

async function makeBucket({
  bucket,
  region,
  endpoint,
  credential,
}: Extract<ConnectorSettings, { kind: 's3' }>) {
  const client = new S3Client({
    region,
    endpoint: endpoint!,
    forcePathStyle: true,
    credentials: { accessKeyId: credential.accessKeyId, secretAccessKey: credential.secretAccessKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
}

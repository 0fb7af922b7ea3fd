/** Signpost's answer to stores that copy by an unsigned header: a credential that reaches the team's prefix only. */
import assert from 'node:assert/strict'
import { PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3'
import { test } from 'node:test'
import { requireServer } from '../../servers/install.ts'
import { startRgw } from '../../servers/rgw.ts'
import { send } from './send.ts'
import { bucket, createBucket, openS3Connector } from './stores.ts'

const marker = { username: 'mallory', pseudonym: 'p', scid: 's', grantId: 'g' }

test(
  "on Ceph, a credential of the team's own cannot copy what lies outside its prefix",
  requireServer('rgw'),
  async (t) => {
    const rgw = await startRgw()
    t.after(() => rgw.stop())
    await createBucket(rgw)
    const [accessKeyId, secretAccessKey] = ['TEAMA', 'team-a-secret']
    await rgw.admin([
      'user',
      'create',
      '--uid=team-a',
      '--display-name=team-a',
      `--access-key=${accessKeyId}`,
      `--secret=${secretAccessKey}`,
    ])
    const owner = new S3Client({
      endpoint: rgw.endpoint,
      region: rgw.region,
      forcePathStyle: true,
      credentials: rgw,
    })
    t.after(() => owner.destroy())
    const Principal = { AWS: ['arn:aws:iam:::user/team-a'] }
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal,
          Action: ['s3:GetObject', 's3:PutObject'],
          Resource: `arn:aws:s3:::${bucket}/team-a/*`,
        },
      ],
    })
    await owner.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }))

    const shared = openS3Connector(rgw)
    const own = openS3Connector({ endpoint: rgw.endpoint, accessKeyId, secretAccessKey })
    t.after(() => (shared.close(), own.close()))
    await shared.put('team-b/secret.bin', Buffer.from('secret'))

    const write = async (connector: typeof own, key: string, extra: Record<string, string>) => {
      const now = Math.floor(Date.now() / 1000) * 1000
      const { url, headers } = await (
        await connector.signer({
          requester: { id: 'p', ...marker },
          team: 'team-a',
          prefix: 'team-a/',
          action: 'write',
          networks: [],
          until: now + 60_000,
        })
      ).sign({
        action: 'write',
        method: 'PUT',
        key,
        marker,
        signedAt: now,
        expiresAt: now + 60_000,
      })
      return (await send({ method: 'PUT', url, headers: { ...headers, ...extra }, body: Buffer.from('') }))
        .status
    }
    const copy = { 'x-amz-copy-source': `/${bucket}/team-b/secret.bin` }
    assert.equal(await write(own, 'team-a/mine.bin', {}), 200, 'an honest write works')
    assert.equal(await write(own, 'team-a/stolen.bin', copy), 403, 'the copy does not')
    assert.equal(
      await write(own, 'team-b/planted.bin', {}),
      403,
      'nor does a URL outside the prefix, even one that was signed',
    )
    assert.equal(
      await write(shared, 'team-a/stolen.bin', copy),
      200,
      'with a shared credential it does: Ceph checks the header for no signature',
    )
  },
)

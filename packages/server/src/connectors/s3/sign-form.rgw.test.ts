/** Forms signed with the session of a role, which Ceph lets be assumed. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { requireServer } from '../../../../../tests/servers/install.ts'
import { roleOnRgw } from '../../../../../tests/servers/rgw-role.ts'
import { startRgw, type Rgw } from '../../../../../tests/servers/rgw.ts'
import type { OpenConnector } from '../../domain/connector.ts'
import { testScope } from '../test-scope.ts'
import { openS3 } from './open.ts'

describe('a form of a session on Ceph', requireServer('rgw'), () => {
  let rgw: Rgw
  let open: OpenConnector
  before(async () => {
    rgw = await startRgw()
    const { roleArn, source } = await roleOnRgw(rgw, ['data'])
    const { endpoint, region } = rgw
    const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials: rgw })
    await client.send(new CreateBucketCommand({ Bucket: 'data' }))
    client.destroy()
    open = openS3(
      {
        kind: 's3',
        name: 'n',
        bucket: 'data',
        endpoint,
        region,
        addressing: 'path',
        marker: 'username',
        credential: { type: 'assumeRole', roleArn, source, perRequester: true, sourceIdentity: true },
      },
      { clock: Date.now, fetch },
    )
  })
  after(async () => {
    open?.close()
    await rgw?.stop()
  })

  const post = async (key: string) => {
    const signedAt = Math.floor(Date.now() / 1000) * 1000
    const expiresAt = signedAt + 300_000
    const marker = { username: 'ana', pseudonym: 'p', scid: randomUUID(), grantId: randomUUID() }
    const scope = testScope({ action: 'write', prefix: 'vision/', until: expiresAt })
    const signer = await open.signer(scope)
    const form = await signer.sign({ action: 'write', method: 'POST', key, signedAt, expiresAt, marker })
    assert.ok(form.fields?.['X-Amz-Security-Token'])
    const data = new FormData()
    for (const [name, value] of Object.entries(form.fields)) data.append(name, value)
    data.append('file', new Blob(['body']))
    const answer = await fetch(form.url, { method: 'POST', body: data })
    return { status: answer.status, text: await answer.text() }
  }

  test('is taken below the prefix of the session, and nowhere else', async () => {
    const own = await post('vision/form.txt')
    assert.equal(own.status, 201, own.text)
    const other = await post('speech/form.txt')
    assert.equal(other.status, 403, other.text)
  })
})

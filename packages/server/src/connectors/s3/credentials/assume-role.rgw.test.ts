import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { waitForLine } from '../../../../../../tests/servers/log-file.ts'
import { requireServer } from '../../../../../../tests/servers/install.ts'
import { roleOnRgw, type RgwRole } from '../../../../../../tests/servers/rgw-role.ts'
import { startRgw, type Rgw } from '../../../../../../tests/servers/rgw.ts'
import type { OpenConnector, SigningScope } from '../../../domain/connector.ts'
import { testScope } from '../../test-scope.ts'
import { openS3 } from '../open.ts'
import type { S3Settings } from '../sign.ts'
import { assumeRoleSource } from './assume-role.ts'
import { getFrom, keyIdOf, send, sign } from './testing/sign-and-send.ts'

const bucket = 'data'
const elsewhere = 'other-bucket'

describe('a role that Ceph lets be assumed', requireServer('rgw'), () => {
  let rgw: Rgw
  let role: RgwRole
  let open: OpenConnector

  before(async () => {
    rgw = await startRgw()
    role = await roleOnRgw(rgw, [bucket, elsewhere])
    const client = clientOf(rgw, rgw)
    for (const Bucket of [bucket, elsewhere]) {
      await client.send(new CreateBucketCommand({ Bucket }))
      for (const Key of ['vision/a.txt', 'speech/b.txt', 'équipe/日本/c.txt', '$q/d.txt'])
        await client.send(new PutObjectCommand({ Bucket, Key, Body: `body of ${Key}` }))
    }
    client.destroy()
    open = opened()
  })
  after(async () => {
    open.close()
    await rgw.stop()
  })

  const opened = (
    credential: Partial<Extract<S3Settings['credential'], { type: 'assumeRole' }>> = {},
    over: Partial<S3Settings> = {},
  ) => {
    const { roleArn, source } = role
    const settings: S3Settings = {
      ...settingsOf(rgw),
      credential: {
        type: 'assumeRole',
        roleArn,
        source,
        perRequester: true,
        sourceIdentity: true,
        ...credential,
      },
      ...over,
    }
    return openS3(settings, { clock: Date.now, fetch })
  }

  test('reads and writes what is the team’s, and nothing of the team next to it', async () => {
    const read = vision({ action: 'read' })
    assert.equal(await send(open, read, 'GET', 'vision/a.txt'), 200)
    assert.equal(await send(open, read, 'GET', 'speech/b.txt'), 403)
    assert.equal(await send(open, read, 'PUT', 'vision/new.txt'), 403)
    const write = vision({ action: 'write' })
    assert.equal(await send(open, write, 'PUT', 'vision/new.txt'), 200)
    assert.equal(await send(open, write, 'DELETE', 'vision/new.txt'), 204)
    assert.equal(await send(open, write, 'PUT', 'speech/new.txt'), 403)
    assert.equal(await send(open, write, 'GET', 'vision/a.txt'), 403)
  })

  test('a write URL with an unsigned x-amz-copy-source copies no other team’s object; with the shared key it does', async () => {
    const theft = { 'x-amz-copy-source': `/${bucket}/speech/b.txt` }
    const write = vision({ action: 'write' })
    const shared = openS3({ ...settingsOf(rgw), credential: sharedKey(rgw) }, { clock: Date.now, fetch })
    assert.equal(await send(shared, write, 'PUT', 'vision/stolen.txt', theft, ''), 200)
    assert.equal((await shared.head('vision/stolen.txt'))?.sizeBytes, 'body of speech/b.txt'.length)
    await shared.remove('vision/stolen.txt')

    assert.equal(await send(open, write, 'PUT', 'vision/stolen.txt', theft, ''), 403)
    const fromElsewhere = { 'x-amz-copy-source': `/${elsewhere}/vision/a.txt` }
    assert.equal(await send(open, write, 'PUT', 'vision/stolen.txt', fromElsewhere, ''), 403)
    const storeUploadId = await open.createUpload({ key: 'vision/stolen.txt', id: randomUUID() })
    const part = { storeUploadId, partNumber: 1 }
    assert.equal(await send(open, write, 'PUT', 'vision/stolen.txt', theft, '', part), 403)
    assert.equal(await open.head('vision/stolen.txt'), null)
    assert.equal(await send(open, write, 'PUT', 'vision/stolen.txt', {}, 'x', part), 200)
    await open.abortUpload({ key: 'vision/stolen.txt', storeUploadId })
    shared.close()
  })

  test('two requesters have two sessions, and Ceph’s log of operations names each', async () => {
    const [ana, bob] = [vision({ action: 'read' }), vision({ action: 'read' })]
    bob.requester = { id: 'p-2', username: 'bob müller', pseudonym: 'p-2' }
    assert.notEqual(
      keyIdOf(await sign(open, ana, 'GET', 'vision/a.txt')),
      keyIdOf(await sign(open, bob, 'GET', 'vision/a.txt')),
    )
    assert.equal(await send(open, ana, 'GET', 'vision/a.txt'), 200)
    assert.equal(await send(open, bob, 'GET', 'vision/a.txt'), 200)
    await waitForLine(rgw.opsLogFile, /"get_obj".*"role_session":"ana@example\.com"/)
    const line = await waitForLine(rgw.opsLogFile, /"get_obj".*"role_session":"bob_m_ller=[0-9a-f]{16}"/)
    assert.match(line, /"user":"broker"/, 'for Ceph the user is who assumed the role')
    // The other log knows the user only.
    await waitForLine(rgw.accessLogFile, /beast: .* broker \[.*GET \/data\/vision\/a\.txt/)
    // One session a team, where that is wanted.
    const together = opened({ perRequester: false })
    assert.equal(
      keyIdOf(await sign(together, ana, 'GET', 'vision/a.txt')),
      keyIdOf(await sign(together, bob, 'GET', 'vision/a.txt')),
    )
    together.close()
  })

  test('a URL is of no use outside the networks, and says that the store holds it to them', async () => {
    const inside = vision({ action: 'read', networks: ['127.0.0.2/32', '2001:db8::/32'] })
    const signed = await sign(open, inside, 'GET', 'vision/a.txt')
    assert.equal(signed.enforcement['network'], 'storage')
    assert.equal(await getFrom('127.0.0.2', signed.url), 200)
    assert.equal(await getFrom('127.0.0.1', signed.url), 403)
    for (const networks of [['vpce-0123456789abcdef0'], ['::/0'], ['::/1', '2001:db8::/32'], ['::/8']])
      assert.equal(await send(open, vision({ action: 'read', networks }), 'GET', 'vision/a.txt'), 403)
  })

  test('prefixes of any script, and with a dollar, reach their objects; one that Ceph cannot name is an error', async () => {
    assert.equal(
      await send(open, testScope({ prefix: 'équipe/日本/', action: 'read' }), 'GET', 'équipe/日本/c.txt'),
      200,
    )
    assert.equal(await send(open, testScope({ prefix: '$q/', action: 'read' }), 'GET', '$q/d.txt'), 200)
    await assert.rejects(async () => open.signer(testScope({ prefix: 'v*/', action: 'read' })), {
      code: 'credential_unavailable',
      message: /prefix without \*/,
    })
  })

  test('Signpost’s own session works in the bucket and in no other that the role may reach', async () => {
    await open.ping(60_000)
    const page = await open.list({ prefix: 'vision/', limit: 10 })
    assert.deepEqual(
      page.objects.map(({ key }) => key),
      ['vision/a.txt'],
    )
    await waitForLine(rgw.opsLogFile, /"list_bucket".*"role_session":"signpost"/)
    const { credential } = await assumeRoleSource(
      { type: 'assumeRole', ...role, perRequester: true, sourceIdentity: true },
      { ...settingsOf(rgw), credential: sharedKey(rgw) },
      { isAws: false, ownEndpoint: rgw.endpoint },
      { clock: Date.now },
    ).own()
    const client = clientOf(rgw, credential)
    const get = (Bucket: string) => client.send(new GetObjectCommand({ Bucket, Key: 'vision/a.txt' }))
    assert.equal(await (await get(bucket)).Body?.transformToString(), 'body of vision/a.txt')
    await assert.rejects(get(elsewhere), { name: 'AccessDenied' })
    client.destroy()
  })

  test('what Ceph refuses is said with what mends it', async () => {
    const cases: [string, Parameters<typeof opened>[0], RegExp][] = [
      [
        'a source that the trust policy does not name',
        { source: role.stranger },
        /refused: AccessDenied\. Fix: let the trust policy of arn:aws:iam:::role\/signer allow sts:AssumeRole/,
      ],
      [
        'a role that is not there',
        { roleArn: 'arn:aws:iam:::role/none' },
        /NoSuchEntity\. Fix: .*check roleArn/,
      ],
      ['more than the role allows', { durationSeconds: 43_200 }, /InvalidArgument\. Fix: .*durationSeconds/],
      [
        'a wrong secret',
        { source: { ...role.source, secretAccessKey: 'not-the-secret' } },
        /SignatureDoesNotMatch\. Fix: .*secret does not belong to its key id/,
      ],
      [
        'a key that Ceph does not know',
        { source: { ...role.source, accessKeyId: 'nobody' } },
        /InvalidAccessKeyId\. Fix: .*give its key anew/,
      ],
    ]
    for (const [what, credential, expected] of cases) {
      const wrong = opened(credential)
      await assert.rejects(wrong.ping(60_000), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'credential_unavailable', what)
        assert.match(error.message, expected, what)
        assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /not-the-secret|Signature=|<Error>/)
        return true
      })
      wrong.close()
    }
  })
})

function vision(over: Partial<SigningScope>): SigningScope {
  return testScope({ team: 'vision', prefix: 'vision/', until: Date.now() + 900_000, ...over })
}

function settingsOf({ endpoint, region }: Rgw): Omit<S3Settings, 'credential'> {
  return { kind: 's3', name: 'test', bucket, endpoint, region, addressing: 'path', marker: 'username' }
}

function clientOf(rgw: Rgw, credentials: { accessKeyId: string; secretAccessKey: string }): S3Client {
  const { region, endpoint } = rgw
  const requestChecksumCalculation = 'WHEN_REQUIRED'
  return new S3Client({ region, endpoint, forcePathStyle: true, credentials, requestChecksumCalculation })
}

function sharedKey({ accessKeyId, secretAccessKey }: Rgw): S3Settings['credential'] {
  return { type: 'static', accessKeyId, secretAccessKey }
}

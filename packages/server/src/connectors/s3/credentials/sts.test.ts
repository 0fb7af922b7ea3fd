/** Both sources that ask a token service, against a stand-in with the shapes of AWS's. Ceph's real one: assume-role.rgw.test.ts */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { freePort } from '../../../../../../tests/servers/daemon.ts'
import { startSts, stsProblem, type Sts } from '../../../../../../tests/servers/sts.ts'
import { testScope } from '../../test-scope.ts'
import { openS3 } from '../open.ts'
import type { S3Settings } from '../sign.ts'

type Of<T extends S3Settings['credential']['type']> = Extract<S3Settings['credential'], { type: T }>

const key = { accessKeyId: 'AKIASOURCE', secretAccessKey: 'hidden-secret' }
const hour = 3_600_000

describe('sessions of AWS', () => {
  let sts: Sts
  before(async () => void (sts = await startSts()))
  afterEach(() => {
    sts.answerWith(undefined)
    sts.calls.length = 0
    sts.asked.length = 0
  })
  after(() => sts.stop())

  const opened = (credential: S3Settings['credential'], over: Partial<S3Settings> = {}) =>
    openS3(
      {
        kind: 's3',
        name: 'aws',
        bucket: 'data',
        region: 'eu-central-1',
        addressing: 'virtual',
        marker: 'username',
        credential,
        ...over,
      },
      { clock: Date.now, fetch },
    )
  const role = (more: Partial<Of<'assumeRole'>> = {}): Of<'assumeRole'> => ({
    type: 'assumeRole',
    roleArn: 'arn:aws:iam::123456789012:role/signer',
    source: { type: 'static', ...key },
    perRequester: true,
    sourceIdentity: true,
    stsEndpoint: sts.endpoint,
    ...more,
  })
  const federation = (more: Partial<Of<'federationToken'>> = {}): Of<'federationToken'> => ({
    type: 'federationToken',
    ...key,
    perRequester: true,
    stsEndpoint: sts.endpoint,
    ...more,
  })
  const lifeOf = async (open: ReturnType<typeof opened>, hours: number) => {
    const scope = testScope({ prefix: 'demo/', until: Date.now() + hours * hour })
    return (await open.signer(scope)).latestExpiry(Date.now())
  }

  test('of a role carry the requester, the external id and the policy of the team', async () => {
    const open = opened(role({ externalId: 'customer-7', durationSeconds: 7200 }))
    assert.equal((await lifeOf(open, 1)).limitedBy, 'credential')
    const [call] = sts.calls
    assert.deepEqual(
      ['RoleSessionName', 'SourceIdentity', 'ExternalId', 'DurationSeconds'].map((name) => call!.get(name)),
      ['ana@example.com', 'ana@example.com', 'customer-7', '7200'],
    )
    const policy = JSON.parse(call!.get('Policy')!) as { Statement: { Resource: string }[] }
    assert.equal(policy.Statement[0]!.Resource, 'arn:aws:s3:::data/demo/*')
    open.close()
  })

  test('of a role without SourceIdentity or for all requesters name what they are told to', async () => {
    const open = opened(role({ sourceIdentity: false, perRequester: false }))
    await open.signer(testScope())
    await open.signer(testScope({ requester: { id: 'p-2', username: 'bob', pseudonym: 'p' } }))
    assert.equal(sts.calls.length, 1)
    assert.equal(sts.calls[0]!.get('RoleSessionName'), 'signpost')
    assert.equal(sts.calls[0]!.get('SourceIdentity'), null)
    open.close()
  })

  test('name the pseudonym where URLs do', async () => {
    const open = opened(role(), { marker: 'pseudonym' })
    await open.signer(testScope())
    assert.equal(sts.calls[0]!.get('RoleSessionName'), testScope().requester.pseudonym)
    assert.doesNotMatch(sts.asked.map(({ body }) => body).join(), /ana/)
    open.close()
  })

  test('are one for each requester, prefix, action and list of networks, and shared by who asks at once', async () => {
    const open = opened(role())
    const scopes = [
      testScope(),
      testScope({ requester: { id: 'p-2', username: 'bob', pseudonym: 'p' } }),
      testScope({ prefix: 'demo/' }),
      testScope({ action: 'read' }),
      testScope({ networks: ['203.0.113.0/24'] }),
    ].map((scope) => ({ ...scope, until: Date.now() + 900_000 }))
    const rounds = await Promise.all([...scopes, ...scopes].map(async (scope) => open.signer(scope)))
    assert.equal(sts.calls.length, scopes.length)
    for (const [n, scope] of scopes.entries())
      assert.equal(open.signer(scope), rounds[n], 'at once, the same')
    open.close()
  })

  test('of a user last 36 hours, long enough to write for 24', async () => {
    const open = opened(federation())
    const { at } = await lifeOf(open, 24)
    assert.ok(at >= Date.now() + 24 * hour)
    const [call] = sts.calls
    assert.deepEqual(
      ['Action', 'Name', 'DurationSeconds'].map((name) => call!.get(name)),
      ['GetFederationToken', 'ana@example.com', '129600'],
    )
    assert.match(call!.get('Policy')!, /s3:PutObject/)
    open.close()
  })

  test('of a user have names of 32 characters, and still one for each requester', async () => {
    const open = opened(federation({ durationSeconds: 43_200 }))
    for (const username of ['x'.repeat(33), `${'x'.repeat(33)}y`, 'bjørn'])
      await open.signer(testScope({ requester: { id: username, username, pseudonym: 'p' } }))
    const names = sts.calls.map((call) => call.get('Name')!)
    assert.equal(new Set(names).size, 3)
    open.close()
  })

  test('that cannot be had say why and what to do, without a secret', async () => {
    const denied = 'User: arn:aws:iam::1:user/AKIASOURCE is not authorized'
    const cases: [ReturnType<typeof stsProblem>, RegExp][] = [
      [
        stsProblem(403, 'AccessDenied', denied),
        /AccessDenied\. Fix: let the trust policy of arn:aws:iam::123456789012:role\/signer allow sts:AssumeRole and sts:SetSourceIdentity .*externalId/,
      ],
      [stsProblem(403, 'ExpiredTokenException', 'x'), /Fix: the source's own session has expired/],
      [stsProblem(403, 'RegionDisabledException', 'x'), /Fix: the token service is not activated/],
      [stsProblem(400, 'PackedPolicyTooLarge', 'x'), /Fix: .*shorten the team's prefix/],
      [stsProblem(403, 'InvalidClientTokenId', 'x'), /Fix: .*give its key anew/],
      [stsProblem(403, 'SignatureDoesNotMatch', 'hidden-secret'), /secret does not belong to its key id/],
      [
        stsProblem(400, 'ValidationError', 'The requested DurationSeconds exceeds the MaxSessionDuration'),
        /Fix: durationSeconds is more than the role allows/,
      ],
      [stsProblem(400, 'Odd', 'hidden-secret'), /refused: Odd\. Fix: see what Odd means/],
      [{ status: 200, body: '<html>hidden-secret</html>' }, /Fix: is it a token service/],
      [{ status: 403, body: '<html>hidden-secret</html>' }, /refused: HTTP 403/],
    ]
    for (const [answer, expected] of cases) {
      sts.answerWith(answer)
      const open = opened(role())
      await assert.rejects(
        async () => open.signer(testScope()),
        (error: Error & { code?: string; retryAfterSeconds?: number }) => {
          assert.match(error.message, expected)
          assert.equal(error.code, 'credential_unavailable')
          assert.equal(error.retryAfterSeconds, undefined)
          assert.doesNotMatch(
            `${error.message} ${String(error.cause)} ${error.stack}`,
            /hidden-secret|<(?:html|Error)|is not auth/,
          )
          return true
        },
      )
      open.close()
    }
  })

  test('are asked for once more when the service is busy or away, and then it is said to be so for now', async () => {
    sts.answerWith(stsProblem(503, 'ServiceUnavailable', 'x'))
    const busy = opened(role())
    const isPassing = { code: 'credential_unavailable', retryAfterSeconds: 1 }
    await assert.rejects(async () => busy.signer(testScope()), isPassing)
    assert.equal(sts.asked.length, 2)
    const away = opened(role({ stsEndpoint: `http://127.0.0.1:${await freePort()}` }))
    await assert.rejects(async () => away.signer(testScope()), isPassing)
    for (const open of [busy, away]) open.close()
  })

  test('are not asked for where a redirect leads', async () => {
    const other = await startSts()
    sts.answerWith({ status: 307, headers: { location: `${other.endpoint}/` } })
    for (const credential of [role(), federation()]) {
      const open = opened(credential)
      await assert.rejects(async () => open.signer(testScope()), {
        message: /HTTP 307\. Fix: set stsEndpoint .*follows no redirect/,
      })
      open.close()
    }
    assert.equal(other.asked.length, 0)
    await other.stop()
  })

  test('of a user are for those who may have them', async () => {
    sts.answerWith(stsProblem(403, 'AccessDenied', 'x'))
    const open = opened(federation())
    await assert.rejects(async () => open.signer(testScope()), {
      message: /Fix: let the user of AKIASOURCE call sts:GetFederationToken/,
    })
    open.close()
  })
})

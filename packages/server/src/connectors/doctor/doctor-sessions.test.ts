/** A role on Ceph that is assumed for each requester: the scopes hold, and what is wrong with the role is named. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { Check, ResolvedSettings } from '@signpost/contract'
import { requireServer } from '../../../../../tests/servers/install.ts'
import { roleOnRgw, type RgwRole } from '../../../../../tests/servers/rgw-role.ts'
import { startRgw, type Rgw } from '../../../../../tests/servers/rgw.ts'
import { assertFound, findings, troubles } from './testing/findings.ts'

type S3Settings = Extract<ResolvedSettings, { kind: 's3' }>
type AssumeRole = Extract<S3Settings['credential'], { type: 'assumeRole' }>

describe('the doctor with sessions on Ceph', requireServer('rgw'), () => {
  let rgw: Rgw
  let role: RgwRole
  let healthy: Check[]
  before(async () => {
    rgw = await startRgw()
    role = await roleOnRgw(rgw, ['data'])
    const { accessKeyId, secretAccessKey, region, endpoint } = rgw
    const credentials = { accessKeyId, secretAccessKey }
    const client = new S3Client({ region, endpoint, forcePathStyle: true, credentials })
    await client.send(new CreateBucketCommand({ Bucket: 'data' }))
    client.destroy()
    healthy = await examined()
  })
  after(() => rgw.stop())

  const examined = (changes: Partial<AssumeRole> = {}, isShared = true) => {
    const { roleArn, source } = role
    const settings: S3Settings = {
      kind: 's3',
      name: 'data',
      bucket: 'data',
      endpoint: rgw.endpoint,
      region: rgw.region,
      addressing: 'path',
      marker: 'username',
      credential: {
        type: 'assumeRole',
        roleArn,
        source,
        perRequester: true,
        sourceIdentity: true,
        ...changes,
      },
    }
    return findings(settings, { origins: [], isShared, prefix: 'teams/' })
  }
  const of = (found: readonly Check[], name: string) => found.find((check) => check.name === name)

  test('a requester reaches one team, and a copy header that nobody signed reads nothing', () => {
    for (const name of ['scope.write', 'scope.read', 'scope.copy'])
      assert.equal(of(healthy, name)?.result, 'pass', JSON.stringify(of(healthy, name)))
    // Signpost's own session may do everything in the bucket: it is the operator's.
    const known = [
      'warn constraint.sha256',
      'warn scope.list',
      'warn lifecycle.stale_uploads',
      'warn public.blocked',
    ]
    assert.deepEqual(
      troubles(healthy).filter((one) => !known.includes(one)),
      [],
    )
    assert.match(of(healthy, 'credential.lasts')?.seen ?? '', /lives \d+ min at most/)
  })

  for (const [what, changes, finds, says] of [
    [
      'a role that is not there',
      () => ({ roleArn: 'arn:aws:iam:::role/none' }),
      'fail credential.available',
      /roleArn/,
    ],
    [
      'a source whose key is not known',
      () => ({ source: { type: 'static', accessKeyId: 'AKUNKNOWN', secretAccessKey: 'not-the-secret' } }),
      'fail credential.known',
      /the source's key/,
    ],
    [
      'a source whose secret is wrong',
      () => ({ source: { ...role.source, secretAccessKey: 'not-the-secret' } }),
      'fail credential.secret',
      /secret does not belong/,
    ],
    [
      'a token service that is not there',
      () => ({ stsEndpoint: 'http://127.0.0.1:1' }),
      'fail credential.available',
      /127\.0\.0\.1:1/,
    ],
  ] as const) {
    test(`${what}: ${finds}`, async () => {
      const found = await examined(changes() as Partial<AssumeRole>)
      assertFound(found, healthy, [finds], ['not-the-secret'])
      const { seen, fix } = of(found, finds.slice('fail '.length)) ?? {}
      assert.match(`${seen} ${fix}`, says)
    })
  }
})

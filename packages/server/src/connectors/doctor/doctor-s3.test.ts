/** Ceph's gateway, broken in one way after the other. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-s3'
import type { Check, ResolvedSettings } from '@signpost/contract'
import { requireServer } from '../../../../../tests/servers/install.ts'
import { startRgw, type Rgw } from '../../../../../tests/servers/rgw.ts'
import { openConnector } from '../index.ts'
import { assertFound, findings, testOrigin, troubles, type Circumstances } from './testing/findings.ts'
import { startProxy, type Meddling } from './testing/proxy.ts'

type S3Settings = Extract<ResolvedSettings, { kind: 's3' }>

const goodCors: sdk.CORSRule = {
  AllowedOrigins: [testOrigin],
  AllowedMethods: ['GET', 'HEAD', 'PUT'],
  AllowedHeaders: ['*'],
  ExposeHeaders: ['ETag'],
}

interface Place {
  rgw: Rgw
  client: sdk.S3Client
  Bucket: string
  settings: S3Settings
  /** For what the breakage starts. */
  stops: (() => Promise<unknown>)[]
}

interface Breakage {
  what: string
  /** Breaks the bucket, or gives other settings or circumstances. */
  breaks: (place: Place) => Promise<void | ({ settings?: Partial<S3Settings> } & Circumstances)>
  finds: string[]
  says?: RegExp
}

/** Everything in one table: what is broken -> what must be found. */
const breakages: Breakage[] = [
  {
    what: 'a key id that the store does not know',
    breaks: async (place) => ({ settings: withKey(place, { accessKeyId: 'AKUNKNOWN' }) }),
    finds: ['fail credential.known'],
  },
  {
    what: 'a wrong secret',
    breaks: async (place) => ({ settings: withKey(place, { secretAccessKey: 'not-the-secret' }) }),
    finds: ['fail credential.secret'],
  },
  {
    what: 'a user that was suspended',
    breaks: async (place) => {
      const key = await userOf(place, 'suspended')
      await place.rgw.admin(['user', 'suspend', '--uid=suspended'])
      return { settings: withKey(place, key) }
    },
    finds: ['fail credential.enabled'],
  },
  {
    what: 'a bucket that was deleted',
    breaks: async ({ client, Bucket }) => void (await client.send(new sdk.DeleteBucketCommand({ Bucket }))),
    finds: ['fail bucket.exists'],
  },
  {
    what: 'no CORS rule',
    breaks: (place) => cors(place, null),
    finds: ['fail cors.origin'],
    says: /no CORS rule/,
  },
  {
    what: 'a CORS rule for another origin',
    breaks: (place) => cors(place, { AllowedOrigins: ['https://other.example'] }),
    finds: ['fail cors.origin'],
    says: /no rule allows this origin/,
  },
  {
    what: 'a CORS rule without PUT',
    breaks: (place) => cors(place, { AllowedMethods: ['GET', 'HEAD'] }),
    finds: ['fail cors.methods'],
    says: /PUT not allowed/,
  },
  {
    what: 'a CORS rule with neither PUT nor GET',
    breaks: (place) => cors(place, { AllowedMethods: ['DELETE'] }),
    finds: ['fail cors.methods'],
  },
  {
    what: 'a CORS rule that allows no headers',
    breaks: (place) => cors(place, { AllowedHeaders: ['x-other'] }),
    finds: ['fail cors.headers'],
    says: /content-type/,
  },
  {
    what: 'a CORS rule that does not expose ETag',
    breaks: (place) => cors(place, { ExposeHeaders: ['x-amz-request-id'] }),
    finds: ['fail cors.etag_exposed'],
  },
  {
    what: 'a policy against writing',
    breaks: deny('s3:PutObject'),
    finds: ['fail access.put'],
    says: /s3:PutObject/,
  },
  {
    what: 'a policy against reading',
    breaks: deny('s3:GetObject'),
    finds: ['fail access.get'],
    says: /s3:GetObject/,
  },
  {
    what: 'a policy against listing',
    breaks: deny('s3:ListBucket'),
    finds: ['fail access.list'],
    says: /s3:ListBucket/,
  },
  {
    what: 'a policy against deleting',
    breaks: deny('s3:DeleteObject'),
    finds: ['fail access.delete'],
    says: /s3:DeleteObject/,
  },
  {
    what: 'a policy against listing parts',
    breaks: deny('s3:ListMultipartUploadParts'),
    finds: ['fail access.multipart'],
    says: /s3:ListMultipartUploadParts/,
  },
  {
    what: 'a policy against giving uploads up',
    breaks: deny('s3:AbortMultipartUpload'),
    finds: ['fail access.abort'],
    says: /s3:AbortMultipartUpload/,
  },
  {
    what: 'a clock that is twenty minutes off',
    breaks: behind({ response: (headers) => setDate(headers, 20 * 60_000) }),
    finds: ['fail clock.skew'],
    says: /20 min apart/,
  },
  {
    what: 'a clock that is two minutes off',
    breaks: behind({ response: (headers) => setDate(headers, -2 * 60_000) }),
    finds: ['warn clock.skew'],
  },
  {
    what: 'a proxy that changes the host',
    breaks: behind({ request: (headers) => void (headers.host = 'inside.example') }),
    finds: ['fail signature.host_kept'],
    says: /rewrites the host/,
  },
  {
    what: 'a proxy that takes signed headers away',
    breaks: behind({ request: (headers) => void delete headers['x-amz-acl'] }),
    finds: ['fail signature.headers_kept'],
  },
  {
    what: 'a proxy that changes the content type',
    breaks: behind({
      request: (headers) => void (headers['content-type'] &&= `${headers['content-type']}; charset=utf-8`),
    }),
    finds: ['fail signature.headers_kept'],
  },
  {
    what: 'a proxy that drops Range',
    breaks: behind({ request: (headers) => void delete headers.range }),
    finds: ['fail access.range'],
  },
  {
    what: 'a proxy that is slow',
    breaks: behind({ delayMs: (n) => (n === 0 ? 2_200 : 0) }),
    finds: ['warn store.speed'],
  },
  {
    what: 'a proxy that eats the ETag header for pages',
    breaks: behind({ response: (headers) => void delete headers['access-control-expose-headers'] }),
    finds: ['fail cors.etag_exposed'],
  },
  {
    what: 'no rule for stale uploads',
    breaks: async ({ client, Bucket }) =>
      void (await client.send(new sdk.DeleteBucketLifecycleCommand({ Bucket }))),
    finds: ['warn lifecycle.stale_uploads'],
    says: /AbortIncompleteMultipartUpload/,
  },
  {
    what: 'a rule that deletes objects',
    breaks: (place) =>
      lifecycle(place, { Filter: { Prefix: 'team/' }, Expiration: { Days: 30 }, ID: 'expire' }),
    finds: ['warn lifecycle.objects_expire'],
    says: /30 days/,
  },
  {
    what: 'public access that nothing blocks',
    breaks: async ({ client, Bucket }) =>
      void (await client.send(new sdk.DeletePublicAccessBlockCommand({ Bucket }))),
    finds: ['warn public.blocked'],
    says: /put-public-access-block/,
  },
  {
    what: 'a public access block that makes Ceph refuse every write',
    breaks: async ({ client, Bucket }) => {
      const all = { BlockPublicAcls: true, IgnorePublicAcls: true, RestrictPublicBuckets: true }
      await client.send(new sdk.PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: all }))
    },
    finds: ['fail access.put'],
  },
  {
    what: 'objects that anybody may read',
    breaks: (place) => makePublic(place, 's3:GetObject'),
    finds: ['fail public.anonymous_read', 'warn public.blocked'],
  },
  {
    what: 'a bucket that anybody may list',
    breaks: (place) => makePublic(place, 's3:ListBucket'),
    finds: ['fail public.anonymous_list', 'warn public.blocked'],
  },
  {
    what: "a team's own connector whose key reaches beyond the prefix",
    breaks: async () => ({ isShared: false }),
    finds: ['fail scope.write', 'fail scope.read', 'fail scope.list', 'fail scope.copy'],
  },
  {
    what: 'networks that the bucket does not hold anybody to',
    breaks: async () => ({ policy: outsideOf('203.0.113.0/24') }),
    finds: ['fail network.refused'],
  },
  {
    what: 'an audience behind a proxy that changes the host',
    breaks: async (place) => {
      const proxy = await startProxy(place.rgw.endpoint, {
        request: (headers) => void (headers.host = 'inside.example'),
      })
      place.stops.push(proxy.stop)
      return { settings: { audiences: [{ name: 'public', endpoint: proxy.url }] } }
    },
    finds: ['fail audiences.reach'],
    says: /public \(HTTP 403 SignatureDoesNotMatch\)/,
  },
  {
    what: 'virtual-hosted addressing without a wildcard name',
    breaks: async ({ rgw }) => ({
      settings: { addressing: 'virtual', endpoint: rgw.endpoint.replace('127.0.0.1', 'localhost') },
    }),
    finds: ['fail dns.bucket_host'],
    says: /set addressing to path/,
  },
]

describe('the doctor at Ceph', requireServer('rgw'), () => {
  let rgw: Rgw
  let client: sdk.S3Client
  let count = 0
  let healthy: Check[]
  before(async () => {
    rgw = await startRgw()
    const { accessKeyId, secretAccessKey, region, endpoint } = rgw
    const credentials = { accessKeyId, secretAccessKey }
    client = new sdk.S3Client({
      region,
      endpoint,
      credentials,
      forcePathStyle: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
    })
    healthy = await findings((await goodPlace()).settings)
  })
  after(async () => {
    client.destroy()
    await rgw.stop()
  })

  const goodPlace = async (): Promise<Place> => {
    const Bucket = `bucket-${(count += 1)}`
    await client.send(new sdk.CreateBucketCommand({ Bucket }))
    const { accessKeyId, secretAccessKey, region, endpoint } = rgw
    const settings: S3Settings = {
      kind: 's3',
      name: 'test',
      bucket: Bucket,
      endpoint,
      region,
      addressing: 'path',
      marker: 'username',
      credential: { type: 'static', accessKeyId, secretAccessKey },
    }
    const place: Place = { rgw, client, Bucket, settings, stops: [] }
    await cors(place, {})
    await lifecycle(place)
    const all = { IgnorePublicAcls: true, RestrictPublicBuckets: true }
    await client.send(new sdk.PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: all }))
    return place
  }

  test('a bucket as it should be: only what one key for all teams on Ceph leaves open', async () => {
    assert.deepEqual(troubles(healthy), [
      'warn constraint.sha256',
      'warn scope.write',
      'warn scope.read',
      'warn scope.list',
      'warn scope.copy',
    ])
    const unseen = healthy.filter(({ result }) => result === 'not_possible').map(({ name }) => name)
    const kept = ['logs.switched_on', 'logs.source', 'logs.arriving', 'trail.sent']
    assert.deepEqual(unseen, ['tls.lasts', 'tls.trusted', ...kept])
  })

  for (const { what, breaks, finds, says } of breakages) {
    test(`${what}: ${finds.join(', ')}`, async (t) => {
      const place = await goodPlace()
      const { settings: other, ...circumstances } = (await breaks(place)) ?? {}
      t.after(() => Promise.all(place.stops.map((stop) => stop())))
      const settings = { ...place.settings, ...other }
      const found = await findings(settings, circumstances)
      const { credential } = settings
      // Scopes of a shared connector are warned of, of a team's own they fail.
      const before =
        circumstances.isShared === false ? healthy.filter(({ name }) => !name.startsWith('scope.')) : healthy
      const known = [
        ...before,
        ...healthy
          .filter((check) => !before.includes(check))
          .map((check) => ({ ...check, result: 'pass' as const })),
      ]
      const sorted = healthy.map(({ name }) => known.find((check) => check.name === name)!)
      assertFound(found, sorted, finds, credential.type === 'static' ? [credential.secretAccessKey] : [])
      const first = found.find(({ name }) => finds[0]?.endsWith(` ${name}`))
      if (says) assert.match(`${first?.seen} ${first?.fix} ${first?.paste}`, says)
      if (finds[0] !== 'fail access.delete' && finds[0] !== 'fail bucket.exists')
        assert.deepEqual(await leftIn(place), [])
    })
  }

  test('a key that reaches its prefix alone leaves nothing to say about scope', async () => {
    const place = await goodPlace()
    const { Bucket } = place
    const key = await userOf(place, 'narrow')
    const arn = `arn:aws:s3:::${Bucket}`
    const who = { Principal: { AWS: ['arn:aws:iam:::user/narrow'] }, Effect: 'Allow' }
    const actions = [
      'GetObject',
      'PutObject',
      'DeleteObject',
      'AbortMultipartUpload',
      'ListMultipartUploadParts',
    ]
    const list = { StringLike: { 's3:prefix': ['team/*'] } }
    await putPolicy(place, [
      { ...who, Action: actions.map((name) => `s3:${name}`), Resource: [`${arn}/team/*`] },
      { ...who, Action: ['s3:ListBucket'], Resource: [arn], Condition: list },
    ])
    const found = await findings({ ...place.settings, ...withKey(place, key) }, { isShared: false })
    assert.deepEqual(troubles(found), ['warn constraint.sha256'])
    const scopes = found.filter(({ name }) => name.startsWith('scope.')).map(({ result }) => result)
    assert.deepEqual(scopes, ['pass', 'pass', 'pass', 'pass'])
    assert.deepEqual(await leftIn(place), [])
  })

  test('networks that the bucket holds: refused from outside, and rights are not doubted', async () => {
    const place = await goodPlace()
    await putPolicy(place, [
      {
        Effect: 'Deny',
        Principal: '*',
        Action: ['s3:GetObject', 's3:PutObject'],
        Resource: [`arn:aws:s3:::${place.Bucket}/*`],
        Condition: { NotIpAddress: { 'aws:SourceIp': '203.0.113.0/24' } },
      },
    ])
    const found = await findings(place.settings, { policy: outsideOf('203.0.113.0/24') })
    const of = (name: string) => found.find((check) => check.name === name)?.result
    assert.equal(of('network.refused'), 'pass')
    assert.equal(of('access.put'), 'not_possible')
    assert.ok(
      troubles(found).every((one) => one.startsWith('warn')),
      troubles(found).join(),
    )
  })

  async function leftIn({ Bucket }: Place): Promise<string[]> {
    await client.send(new sdk.DeleteBucketPolicyCommand({ Bucket }))
    const { Contents = [] } = await client.send(new sdk.ListObjectsV2Command({ Bucket }))
    return Contents.map(({ Key = '' }) => Key)
  }
})

function withKey(
  { settings }: Place,
  changes: { accessKeyId?: string; secretAccessKey?: string },
): Partial<S3Settings> {
  return { credential: { ...settings.credential, ...changes } as S3Settings['credential'] }
}

async function userOf(
  { rgw }: Place,
  uid: string,
): Promise<{ accessKeyId: string; secretAccessKey: string }> {
  const key = { accessKeyId: `AK${uid.toUpperCase()}`, secretAccessKey: `secret-of-${uid}` }
  const keys = [`--access-key=${key.accessKeyId}`, `--secret=${key.secretAccessKey}`]
  await rgw.admin(['user', 'create', `--uid=${uid}`, `--display-name=${uid}`, ...keys])
  return key
}

async function cors({ client, Bucket }: Place, changes: Partial<sdk.CORSRule> | null): Promise<void> {
  if (changes === null) await client.send(new sdk.DeleteBucketCorsCommand({ Bucket }))
  else {
    const CORSConfiguration = { CORSRules: [{ ...goodCors, ...changes }] }
    await client.send(new sdk.PutBucketCorsCommand({ Bucket, CORSConfiguration }))
  }
}

async function lifecycle({ client, Bucket }: Place, more?: Partial<sdk.LifecycleRule>): Promise<void> {
  const stale: sdk.LifecycleRule = {
    ID: 'stale',
    Status: 'Enabled',
    Filter: { Prefix: '' },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: 8 },
  }
  const Rules = [stale, ...(more ? [{ Status: 'Enabled' as const, Filter: { Prefix: '' }, ...more }] : [])]
  await client.send(
    new sdk.PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }),
  )
}

function deny(action: string) {
  return (place: Place) => {
    const arn = `arn:aws:s3:::${place.Bucket}`
    return putPolicy(place, [
      { Effect: 'Deny', Principal: '*', Action: [action], Resource: [arn, `${arn}/*`] },
    ])
  }
}

async function makePublic(place: Place, action: string): Promise<void> {
  await place.client.send(new sdk.DeletePublicAccessBlockCommand({ Bucket: place.Bucket }))
  const arn = `arn:aws:s3:::${place.Bucket}`
  await putPolicy(place, [{ Effect: 'Allow', Principal: '*', Action: [action], Resource: [arn, `${arn}/*`] }])
}

/** By the connector's own hand. */
async function putPolicy({ settings }: Place, Statement: object[]): Promise<void> {
  const open = openConnector(settings, { clock: Date.now, fetch })
  const document = JSON.stringify({ Version: '2012-10-17', Statement })
  await open.configuration?.writePolicy?.(document)
  assert.deepEqual(JSON.parse((await open.configuration?.readPolicy?.()) ?? ''), JSON.parse(document))
  open.close()
}

function behind(meddling: Meddling) {
  return async ({ rgw, stops }: Place) => {
    const proxy = await startProxy(rgw.endpoint, meddling)
    stops.push(proxy.stop)
    return { settings: { endpoint: proxy.url } }
  }
}

function setDate(headers: NodeJS.Dict<string | string[]>, offsetMs: number): void {
  headers['date'] = new Date(Date.now() + offsetMs).toUTCString()
}

function outsideOf(network: string): NonNullable<Circumstances['policy']> {
  return { networks: [network], allowsAddress: () => false, writes: undefined }
}

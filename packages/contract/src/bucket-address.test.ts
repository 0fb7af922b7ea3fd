import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseBucketAddress, type AddressedSettings } from './bucket-address.ts'
import { SignpostError } from './errors.ts'
import { formatBucketAddress } from './format-bucket-address.ts'
import { ConnectorSettings } from './schemas/connectors.ts'

const parse = (text: string, region?: string) => parseBucketAddress(text, 'n', region)
const problem = (text: string): string => {
  try {
    parse(text)
  } catch (error) {
    assert.ok(error instanceof SignpostError)
    assert.deepEqual([error.code, error.field], ['invalid', 'address'])
    return error.message
  }
  throw new Error(`should be refused: ${text}`)
}

describe('addresses as W&B documents them', () => {
  test('S3: at the provider, at a regional host, at another store', () => {
    assert.deepEqual(parse('s3://my-bucket?region=eu-central-1'), {
      settings: { kind: 's3', name: 'n', bucket: 'my-bucket', region: 'eu-central-1', addressing: 'virtual' },
      prefix: '',
    })
    const credential = { type: 'static', accessKeyId: 'AKID', secretAccessKey: 'a/b+c@d:e%' }
    const regional = parse(
      's3://AKID:a%2Fb+c%40d%3Ae%25@s3.eu-central-1.amazonaws.com/my-bucket?region=eu-central-1',
    )
    assert.deepEqual(regional.settings, {
      kind: 's3',
      name: 'n',
      bucket: 'my-bucket',
      region: 'eu-central-1',
      addressing: 'virtual',
      credential,
    })
    const compatible = parse(
      's3://AKID:a%2Fb+c%40d%3Ae%25@minio.example.com:9000/my-bucket?region=r-1&tls=true',
    )
    assert.deepEqual(compatible.settings, {
      kind: 's3',
      name: 'n',
      bucket: 'my-bucket',
      endpoint: 'https://minio.example.com:9000',
      region: 'r-1',
      addressing: 'path',
      credential,
    })
    const plain = parse('s3://k:s@[::1]:9000/b?region=r&tls=false').settings
    assert.equal(plain.endpoint, 'http://[::1]:9000')
  })

  test('S3: a region may come from the host, or from beside the address', () => {
    assert.equal(regionOf(parse('s3://k:s@s3.eu-west-3.amazonaws.com/b')), 'eu-west-3')
    assert.equal(regionOf(parse('s3://b', 'eu-west-1')), 'eu-west-1')
    assert.match(problem('s3://b'), /region: must be given/)
    assert.match(problem('s3://k:s@minio.example.com/b?tls=true'), /region: must be given/)
  })

  test('CoreWeave: the bucket before the host, behind it, and alone', () => {
    for (const text of [
      'cw://AK:SK@cwobject.com/data?tls=true&region=US-EAST-04A',
      'cw://AK:SK@data.cwobject.com?region=US-EAST-04A',
      'cw://AK:SK@data?region=US-EAST-04A',
    ])
      assert.deepEqual(
        parse(text),
        {
          settings: {
            kind: 's3',
            name: 'n',
            bucket: 'data',
            endpoint: 'https://cwobject.com',
            region: 'US-EAST-04A',
            addressing: 'virtual',
            credential: { type: 'static', accessKeyId: 'AK', secretAccessKey: 'SK' },
          },
          prefix: '',
        },
        text,
      )
    assert.equal(parse('cw://data.cwlota.com/a/b?region=R').settings.endpoint, 'http://cwlota.com')
    assert.equal(parse('cw://cwobject.com/data/a/b?region=R').prefix, 'a/b/')
    assert.equal(parse('cw://data.cwobject.com/a/b?region=R').prefix, 'a/b/')
  })

  test('Google: a service account with its key, an HMAC key, a bucket alone', () => {
    const key = '-----BEGIN PRIVATE KEY-----\nMIIE/+a==\n-----END PRIVATE KEY-----\n'
    for (const written of [key, key.replaceAll('\n', '\\n')])
      assert.deepEqual(
        parse(`gs://sa@proj.iam.gserviceaccount.com:${encodeURIComponent(written)}@my-bucket/vision`),
        {
          settings: {
            kind: 'gcs',
            name: 'n',
            bucket: 'my-bucket',
            addressing: 'path',
            credential: {
              type: 'serviceAccountKey',
              clientEmail: 'sa@proj.iam.gserviceaccount.com',
              privateKey: key,
            },
          },
          prefix: 'vision/',
        },
      )
    const hmac = parse('gs://GOOG1EXAMPLE:s%2Fecret@my-bucket').settings.credential
    assert.deepEqual(hmac, { type: 'hmacKey', accessId: 'GOOG1EXAMPLE', secret: 's/ecret' })
    assert.equal(parse('gs://my-bucket').settings.credential, undefined)
  })

  test('Azure: with the account key, without it, by the whole host', () => {
    const { settings, prefix } = parse('az://:a2V5Lw%3D%3D@visionstore/data/team%20a/x')
    assert.deepEqual(settings, {
      kind: 'azure',
      name: 'n',
      account: 'visionstore',
      bucket: 'data',
      credential: { type: 'accountKey', accountKey: 'a2V5Lw==' },
    })
    assert.equal(prefix, 'team a/x/')
    const whole = parse('az://visionstore.blob.core.windows.net/data').settings
    assert.deepEqual(whole, { kind: 'azure', name: 'n', account: 'visionstore', bucket: 'data' })
  })
})

test('an access key id may stand without its secret, which is asked for elsewhere', () => {
  const parsed = parse('s3://AKID@minio.example.com/b?region=r')
  assert.equal(parsed.accessKeyId, 'AKID')
  assert.equal(parsed.settings.credential, undefined)
})

test('an error names what is wrong and repeats nothing of the address', () => {
  const wrong: [string, RegExp][] = [
    ['https://hidden.example.com/b', /must begin with s3:/],
    ['s3://', /must begin with/],
    ['s3://hiddenkey:hidden/secret@host/b?region=r', /percent-encode/],
    ['s3://hiddenkey:hidden@secret@@/b?region=r', /names no bucket/],
    ['s3://hiddenkey:hidden?se=cret@host/b?region=r', /more than one \?/],
    ['s3://hiddenkey:hidden#secret@host/b', /must not hold blanks/],
    ['s3://hiddenkey:hid%den@host/b?region=r', /%25/],
    ['s3://hiddenkey:hidden@host/b?region=r&hidden=x', /stand only region/],
    ['s3://hiddenkey:hidden@host/b?region=r&region=s', /region stands twice/],
    ['s3://hiddenkey:hidden@host/b?region=hidden_r', /region: /],
    ['s3://hiddenkey:hidden@s3.example.com?region=r', /no bucket after the host/],
    ['s3://:hidden@s3.example.com/b?region=r', /without an access key id/],
    ['s3://hiddenkey:hidden@host/b!d?region=r', /bucket: /],
    ['s3://hiddenkey:hidden@host/b?region=r&tls=hidden', /tls: must be true or false/],
    ['s3://hiddenkey:hidden@host/b?region=r&endpoint=https://hidden', /endpoint does not go/],
    [
      's3://hiddenkey:hidden@hiddenbucket.s3.eu-west-1.amazonaws.com/b?region=eu-west-1',
      /endpoint: .*host of the service/,
    ],
    ['s3://hiddenkey:hidden@host/b//c?region=r', /must not hold \/\//],
    ['cw://hiddenkey:hidden@data', /region: give CoreWeave/],
    ['cw://hiddenkey:hidden@example.com/data?region=r', /cw:\/\/cwobject\.com\/bucket/],
    ['cw://hiddenkey:hidden@cw-data?region=r', /neither with cw-/],
    ['cw://hiddenkey:hidden@cwobject.com/my_data?region=r', /no underscore/],
    ['cw://hiddenkey:hidden@cwobject.com?region=r', /names no bucket/],
    ['cw://hiddenkey:hidden@data?region=r&tls=false', /speaks TLS only/],
    ['gs://hidden@example.com@b', /without its private key/],
    ['gs://hidden@example.com:-----BEGIN%20KEY-----hid/den@b', /percent-encode/],
    ['gs://b?region=hidden', /region does not go/],
    ['az://:hidden@visionstore', /names no container/],
    ['az://hidden:hidden@visionstore/data', /only a colon/],
    ['az://:@visionstore/data', /has no key/],
    ['az://:hidden@Vision_Store/data', /account: /],
  ]
  for (const [text, rule] of wrong) {
    const message = problem(text)
    assert.match(message, rule, text)
    assert.doesNotMatch(message, /hid|secret@/, text)
  }
})

const bucket = fc
  .stringMatching(/^[a-z0-9][a-z0-9-]{1,20}[a-z0-9]$/)
  .filter((name) => !/^(?:cw|vip)-/.test(name))
const segment = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
  .filter((text) => !text.includes('/'))
const prefix = fc.array(segment, { maxLength: 3 }).map((all) => all.map((one) => `${one}/`).join(''))
const host = fc.stringMatching(/^[a-z][a-z0-9-]{0,10}[a-z0-9](\.[a-z]{2,5}){0,2}(:[1-9]\d{1,3})?$/)
const endpoint = fc
  .tuple(fc.constantFrom('http', 'https'), host)
  .map(([scheme, at]) => new URL(`${scheme}://${at}`).origin)
const secret = fc.stringMatching(/^[ -~]{12,40}$/).map((text) => `SECRET${text}`)
const s3Place = fc.oneof(
  fc.constant({}),
  fc.record({ endpoint }),
  fc.record({
    endpoint: fc.constantFrom('https://s3.dualstack.us-east-1.amazonaws.com', 'http://cwlota.com'),
  }),
)
const region = fc.stringMatching(/^[A-Za-z0-9-]{1,20}$/)
const addressing = fc.constantFrom('virtual' as const, 'path' as const)
const anySettings: fc.Arbitrary<ConnectorSettings> = fc
  .oneof(
    fc
      .record({ bucket, region, addressing, place: s3Place, secretAccessKey: secret })
      .map(({ place, secretAccessKey, ...rest }) => ({
        kind: 's3',
        ...rest,
        ...place,
        // CoreWeave has no path style.
        ...('endpoint' in place && place.endpoint === 'http://cwlota.com' ? { addressing: 'virtual' } : {}),
        credential: { type: 'static', accessKeyId: 'AKID', secretAccessKey },
      })),
    fc
      .record({ bucket, addressing, endpoint: fc.option(endpoint, { nil: undefined }), secret })
      .map(({ secret: text, ...rest }) => ({
        kind: 'gcs',
        ...rest,
        credential: { type: 'hmacKey', accessId: 'GOOG', secret: text },
      })),
    fc
      .record({ bucket, endpoint: fc.option(endpoint, { nil: undefined }), accountKey: secret })
      .map(({ accountKey, ...rest }) => ({
        kind: 'azure',
        account: 'visionstore',
        ...rest,
        credential: { type: 'accountKey', accountKey: Buffer.from(accountKey).toString('base64') },
      })),
  )
  .map((settings) => ConnectorSettings.parse({ name: 'n', ...settings }))

test('what is shown as an address reads back as the same place, and holds nothing of the credential', () => {
  fc.assert(
    fc.property(anySettings, prefix, (settings, path) => {
      const text = formatBucketAddress(settings, path)
      const { credential, marker: _, ...place } = settings
      const back = parse(text)
      assert.deepEqual(withoutUndefined(back.settings), withoutUndefined(place))
      assert.equal(back.prefix, path)
      for (const hidden of Object.values(credential).slice(1)) assert.ok(!text.includes(String(hidden)))
    }),
    { numRuns: 500 },
  )
})

test('a secret of any characters comes through an address, percent-encoded', () => {
  fc.assert(
    fc.property(secret, (text) => {
      const { credential } = parse(`s3://AK:${encodeURIComponent(text)}@h.example/b?region=r`).settings
      assert.deepEqual(credential, { type: 'static', accessKeyId: 'AK', secretAccessKey: text })
    }),
  )
})

test('whatever text is taken for an address, a refusal repeats no secret of it', () => {
  fc.assert(
    fc.property(secret, fc.constantFrom('s3', 'cw', 'gs', 'az'), (text, scheme) => {
      try {
        parse(`${scheme}://AK:${text}@host/bucket?region=r`)
      } catch (error) {
        assert.ok(!(error as Error).message.includes(text.slice(0, 10)))
      }
    }),
  )
})

function regionOf({ settings }: { settings: AddressedSettings }): string | undefined {
  return settings.kind === 's3' ? settings.region : undefined
}

function withoutUndefined(value: object): object {
  return JSON.parse(JSON.stringify(value)) as object
}

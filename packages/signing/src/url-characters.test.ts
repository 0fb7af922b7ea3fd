import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { azureSas } from './azure-sas.ts'
import { azureBlobUrl } from './azure-url.ts'
import { presignGcsPost } from './gcs-post.ts'
import { presignGcs } from './gcs.ts'
import { gcsMarkers, s3Markers } from './markers.ts'
import { presignS3Post } from './s3-post.ts'
import { presignS3 } from './s3.ts'
import { awkwardKey, awkwardText, seed, username } from './testing/awkward.ts'

/** Whoever writes a URL into JSON, HTML or a shell's quotes may rely on it (the server's answers are written so). */
test('a URL is printable ASCII without blanks, quotes and backslashes, whatever key, name and parameters are', (t) => {
  t.diagnostic(`seed ${seed}`)
  const asked = fc.record({ key: awkwardKey, user: username, text: awkwardText, token: awkwardText })
  fc.assert(
    fc.property(asked, ({ key, user, text, token }) => {
      for (const url of urlsOf(key, user, text, token)) {
        assert.match(url, /^[!#-&(-[\]-~]+$/)
        assert.equal(JSON.stringify(url), `"${url}"`)
      }
    }),
    { numRuns: 500, seed },
  )
})

const plainUrl = /^https?:\/\/[!#-&(-[\]-~]+$/
/** What comes out of settings and credentials: as it should be, and as nobody should let it be. */
const setting = (...good: string[]) =>
  fc.oneof(fc.constantFrom(...good), awkwardText, fc.constantFrom('"', '\\', "'", '\n', '\0', '\ud800', 'ä'))
const odd = (good: string) =>
  fc
    .tuple(fc.constant(good), fc.nat({ max: good.length }), awkwardText)
    .map(([text, at, other]) => text.slice(0, at) + other + text.slice(at))

test('whatever address, container, region and ids are set: a URL is of these characters, or there is none', (t) => {
  t.diagnostic(`seed ${seed}`)
  const asked = fc.record({
    origin: fc.oneof(setting('https://s3.example.com', 'http://[::1]:9000'), odd('https://s3.example.com')),
    pathPrefix: fc.oneof(setting('', '/bucket'), odd('/bucket')),
    bucket: setting('runs'),
    account: setting('trainingdata'),
    region: setting('us-east-1'),
    id: setting('AKIA'),
    key: awkwardKey,
    expiresInSeconds: fc.constantFrom(60, 0.5, Number.NaN, '60"' as unknown as number),
    signedAt: fc.constantFrom(Date.UTC(2026, 10, 23), Date.UTC(2026, 10, 23) + 0.5, Number.NaN, -1),
  })
  let signed = 0
  const property = fc.property(asked, (some) => {
    for (const sign of signersFor(some)) {
      let url
      try {
        url = sign()
      } catch {
        continue
      }
      signed++
      assert.match(url, plainUrl)
    }
  })
  fc.assert(property, { numRuns: 2000, seed })
  assert.ok(signed > 0)
})

interface Asked {
  origin: string
  pathPrefix: string
  bucket: string
  account: string
  region: string
  id: string
  key: string
  expiresInSeconds: number
  signedAt: number
}

function signersFor(asked: Asked): (() => string)[] {
  const { origin, pathPrefix, bucket, account, region, id, key, expiresInSeconds, signedAt } = asked
  const time = { signedAt, expiresInSeconds }
  const address = { origin, pathPrefix }
  const [get, put] = [
    { type: 'get' as const, key },
    { type: 'put' as const, key },
  ]
  const s3 = { address, region, credential: { accessKeyId: id, secretAccessKey: 'secret' }, ...time }
  const gcs = { address, credential: { type: 'hmac' as const, accessId: id, secret: 'secret' }, ...time }
  return [
    () => presignS3({ ...s3, operation: get }).url,
    // In the frame of the one before.
    () => presignS3({ ...s3, operation: get }).url,
    () => presignS3({ ...s3, operation: put, headers: {} }).url,
    () => presignS3Post({ ...s3, bucket, key }).url,
    () => presignGcs({ ...gcs, operation: get }).url,
    () => presignGcs({ ...gcs, operation: get }).url,
    () => presignGcs({ ...gcs, operation: { type: 'startResumable', key } }).url,
    () => presignGcsPost({ ...gcs, bucket, key }).url,
    () => azureBlobUrl({ origin, account, container: bucket, blob: key, sas: 'sv=1&sig=a%2Fb%3D' }),
  ]
}

function urlsOf(key: string, name: string, text: string, token: string): string[] {
  const time = { signedAt: Date.UTC(2026, 10, 23), expiresInSeconds: 3600 }
  const markers = { username: name, grantId: text }
  const response = { contentDisposition: text, contentType: text }
  const secret = { accessKeyId: text, secretAccessKey: 'secret', sessionToken: token }
  const address = { origin: 'http://127.0.0.1:7480', pathPrefix: '/training%22data' }
  const { token: sas } = azureSas({
    account: 'trainingdata',
    container: 'runs',
    blob: key,
    permissions: 'r',
    credential: { type: 'accountKey', accountKey: 'AAECAwQFBgcICQ==' },
    version: '2025-11-05',
    expiresAt: time.signedAt,
    response,
  })
  return [
    presignS3({
      operation: { type: 'get', key, response },
      address,
      region: 'us-east-1',
      credential: secret,
      query: s3Markers(markers),
      ...time,
    }).url,
    presignGcs({
      operation: { type: 'get', key, response },
      address,
      credential: { type: 'hmac', accessId: text, secret: 'secret' },
      query: gcsMarkers(markers),
      ...time,
    }).url,
    presignS3Post({
      address,
      bucket: 'training-data',
      key,
      region: 'us-east-1',
      credential: secret,
      query: s3Markers(markers),
      ...time,
    }).url,
    azureBlobUrl({
      origin: 'https://a.blob.core.windows.net',
      container: 'runs',
      blob: key,
      sas,
      query: { blockid: text },
    }),
  ]
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { azureSas } from './azure-sas.ts'
import { azureBlobUrl } from './azure-url.ts'
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

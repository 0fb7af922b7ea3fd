import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Storage } from '@google-cloud/storage'
import fc from 'fast-check'
import { presignGcsRsa } from './gcs.ts'
import { gcsMarkers } from './markers.ts'
import { awkwardKey, seed, username } from './testing/awkward.ts'
import { queryOf } from './testing/in-url.ts'
import type { PresignGcsAsyncRequest } from './types.ts'

/** @google-cloud/storage as judge, with Google's published test key. RSA signatures are deterministic, so they can be compared. */

const account = JSON.parse(
  readFileSync(new URL('./vectors/gcs/test_service_account.not-a-test.json', import.meta.url), 'utf8'),
) as { client_email: string; private_key: string }
const credential = {
  type: 'rsa' as const,
  clientEmail: account.client_email,
  privateKey: createPrivateKey(account.private_key),
}

const BUCKET = 'training-data'

interface Scenario {
  operation: PresignGcsAsyncRequest['operation']
  /** The same in Google's words. */
  action: 'read' | 'write' | 'delete' | 'resumable' | 'list'
  parameters: Record<string, string>
}

const scenario: fc.Arbitrary<Scenario & { key: string }> = fc
  .record({ key: awkwardKey, text: awkwardKey, part: fc.integer({ min: 1, max: 10_000 }) })
  .chain(({ key, text, part }) =>
    fc.constantFrom<Scenario & { key: string }>(
      { key, operation: { type: 'get', key }, action: 'read', parameters: {} },
      {
        key,
        operation: {
          type: 'get',
          key,
          versionId: '17',
          response: { contentDisposition: text },
        },
        action: 'read',
        parameters: { generation: '17', 'response-content-disposition': text },
      },
      { key, operation: { type: 'put', key }, action: 'write', parameters: {} },
      {
        key,
        operation: { type: 'uploadPart', key, uploadId: text, partNumber: part },
        action: 'write',
        parameters: { partNumber: String(part), uploadId: text },
      },
      { key, operation: { type: 'delete', key }, action: 'delete', parameters: {} },
      { key, operation: { type: 'startResumable', key }, action: 'resumable', parameters: {} },
      {
        key,
        operation: { type: 'list', prefix: text, delimiter: '/' },
        action: 'list',
        parameters: { 'list-type': '2', prefix: text, delimiter: '/' },
      },
    ),
  )

/** Path style, virtual-hosted style, and a custom endpoint with a port (whose port Google does not sign). */
const style = fc.constantFrom('path', 'virtual', 'endpoint')

test('2000 random requests have the signature and the parameters of @google-cloud/storage', async (t) => {
  t.diagnostic(`seed ${seed}`)
  const storage = new Storage({ projectId: 'p', credentials: account })
  const atEndpoint = new Storage({
    projectId: 'p',
    credentials: account,
    apiEndpoint: 'http://127.0.0.1:4443',
  })
  // Bucket.getSignedUrl takes no time of signing: it asks the clock.
  t.mock.timers.enable({ apis: ['Date'] })
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        scenario,
        style,
        user: username,
        signedAt: fc.integer({ min: 0, max: 4_102_444_800 }).map((seconds) => seconds * 1000),
        expiresInSeconds: fc.integer({ min: 1, max: 604_800 }),
        contentType: fc.option(fc.constantFrom('text/plain; charset=utf-8', '  image/png', 'a/b;  c=d'), {
          nil: undefined,
        }),
      }),
      async ({
        scenario: { operation, action, parameters, key },
        style,
        user,
        signedAt,
        expiresInSeconds,
        contentType,
      }) => {
        const markers = gcsMarkers({ username: user, grantId: '01JD8Z3K5V' })
        const ours = await presignGcsRsa({
          operation,
          address: {
            path: { origin: 'https://storage.googleapis.com', pathPrefix: `/${BUCKET}` },
            virtual: { origin: `https://${BUCKET}.storage.googleapis.com`, pathPrefix: '' },
            endpoint: { origin: 'http://127.0.0.1:4443', pathPrefix: `/${BUCKET}` },
          }[style as 'path' | 'virtual' | 'endpoint'],
          credential,
          signedAt,
          expiresInSeconds,
          query: markers,
          ...(contentType === undefined ? {} : { headers: { 'Content-Type': contentType } }),
        })
        t.mock.timers.setTime(signedAt)
        const config = {
          version: 'v4' as const,
          expires: signedAt + expiresInSeconds * 1000,
          queryParams: { ...parameters, ...markers },
          ...(style === 'virtual' ? { cname: `https://${BUCKET}.storage.googleapis.com` } : {}),
          ...(contentType === undefined ? {} : { extensionHeaders: { 'content-type': contentType } }),
        }
        const bucket = (style === 'endpoint' ? atEndpoint : storage).bucket(BUCKET)
        const [theirs] =
          action === 'list'
            ? await bucket.getSignedUrl({ ...config, action })
            : await bucket.file(key).getSignedUrl({ ...config, action })
        assert.equal(new URL(ours.url).href, ours.url, 'a URL client leaves our URL as it is')
        assert.equal(ours.url.split('?')[0], theirs.split('?')[0])
        // Theirs has the parameters in the order of an object's keys, ours sorted; the signature is over the sorted ones.
        assert.deepEqual(queryOf(ours.url), queryOf(theirs))
      },
    ),
    { numRuns: 2000, seed },
  )
})

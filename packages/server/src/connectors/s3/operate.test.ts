import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { SignpostError } from '@signpost/contract'
import { inTime } from '../../../../../tests/in-time.ts'
import type { OpenConnector } from '../../domain/connector.ts'
import { openS3 } from './open.ts'

interface Canned {
  status: number
  code?: string
  /** Instead of an error document. */
  body?: string
  more?: string
  headers?: Record<string, string>
  /** Accept the request and say nothing. */
  silent?: boolean
}

describe('what an S3 store says goes out as an error that names the fix', () => {
  let server: Server
  let open: OpenConnector
  let canned: Canned = { status: 200 }
  let requests = 0

  before(async () => {
    server = createServer((request, response) => {
      requests += 1
      request.resume()
      if (canned.silent === true) return
      const body =
        canned.body ?? (canned.code && `<Error><Code>${canned.code}</Code>${canned.more ?? ''}</Error>`)
      response.writeHead(canned.status, { 'content-type': 'application/xml', ...canned.headers }).end(body)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    open = openS3(
      {
        kind: 's3',
        name: 'canned',
        bucket: 'team-vision',
        endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        region: 'us-east-1',
        addressing: 'path',
        marker: 'username',
        credential: { type: 'static', accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'the-secret' },
      },
      { clock: Date.now, fetch },
    )
  })
  after(() => {
    open.close()
    server.closeAllConnections()
    server.close()
  })

  const answerTo = async (one: Canned, timeoutMs = 60_000): Promise<SignpostError> => {
    canned = one
    requests = 0
    return open.ping(timeoutMs).then(
      () => assert.fail('it succeeded'),
      (error: unknown) => error as SignpostError,
    )
  }

  test('a wrong signature, without the string to sign or the signature that the store repeats', async () => {
    const more = '<StringToSign>AWS4-x</StringToSign><SignatureProvided>0a1b2c</SignatureProvided>'
    const error = await answerTo({ status: 403, code: 'SignatureDoesNotMatch', more })
    assert.equal(error.code, 'bucket_refused')
    assert.match(
      error.message,
      /refused: SignatureDoesNotMatch\. Fix: the secret does not belong to the key id/,
    )
    const whole = `${error.message} ${String(error.cause)} ${JSON.stringify(error.cause)} ${error.stack}`
    assert.doesNotMatch(whole, /0a1b2c|AWS4-x|the-secret/)
  })

  test('a bucket in another region, with that region', async () => {
    const headers = { 'x-amz-bucket-region': 'eu-west-3' }
    const moved = await answerTo({ status: 301, code: 'PermanentRedirect', headers })
    assert.match(moved.message, /Fix: the bucket is in another region: set the region to eu-west-3\./)
    const malformed = await answerTo({
      status: 400,
      code: 'AuthorizationHeaderMalformed',
      more: '<Region>eu-west-3</Region>',
    })
    assert.match(malformed.message, /set the region to eu-west-3\./)
  })

  test('a busy store is tried twice and then called unreachable, for now', async () => {
    const error = await answerTo({ status: 503, code: 'SlowDown' })
    assert.equal(requests, 2)
    assert.equal(error.code, 'bucket_unreachable')
    assert.equal(error.retryAfterSeconds, 1)
  })

  test('a bucket whose name stands in no DNS: the fix is the path', async () => {
    const settings = { kind: 's3', name: 'nowhere', bucket: 'team-vision', region: 'us-east-1' } as const
    const credential = { type: 'static', accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'the-secret' } as const
    const pinged = async (addressing: 'virtual' | 'path'): Promise<string> => {
      const place = { endpoint: 'http://store.invalid', addressing, marker: 'username' } as const
      const nowhere = openS3({ ...settings, ...place, credential }, { clock: Date.now, fetch })
      const error: unknown = await nowhere.ping(60_000).catch((problem: unknown) => problem)
      nowhere.close()
      return (error as Error).message
    }
    // Where a machine has no name server at all, that is what is said.
    const noServer = 'could not be looked up in DNS'
    const virtual = await pinged('virtual')
    assert.match(
      virtual,
      new RegExp(`^team-vision\\.store\\.invalid (?:.*set addressing to path|${noServer})`),
    )
    assert.match(
      await pinged('path'),
      new RegExp(`^store\\.invalid (?:.*endpoint, region and account|${noServer})`),
    )
  })

  test('a code that nobody knows is passed on', async () => {
    const error = await answerTo({ status: 400, code: 'OddlyShapedBucket' })
    assert.equal(error.code, 'bucket_refused')
    assert.match(error.message, /OddlyShapedBucket/)
  })

  test('a web site is not taken for a store, and nothing of its pages goes out', async () => {
    for (const status of [200, 403, 404]) {
      const page = { body: '<html><body>internal notes <br> </body></html>' }
      const error = await answerTo({ status, ...page, headers: { 'content-type': 'text/html' } })
      assert.equal(error.code, 'bucket_refused', `HTTP ${status}`)
      assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /internal|html/)
    }
    const odd = await answerTo({ status: 403, code: 'a secret sentence' })
    assert.doesNotMatch(odd.message, /secret sentence/)
  })

  test('a store that accepts and then says nothing is unreachable when the time is up', async () => {
    const error = await inTime(1000, () => answerTo({ status: 200, silent: true }, 300))
    assert.equal(error.code, 'bucket_unreachable')
    assert.match(error.message, /^127\.0\.0\.1:\d+ did not answer in time/)
  })
})

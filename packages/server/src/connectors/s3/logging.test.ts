/** Bucket logging in S3's XML, against a server that keeps the document as it came. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, beforeEach, describe, test } from 'node:test'
import { SignpostError } from '@signpost/contract'
import type { OpenConnector } from '../../domain/connector.ts'
import { openConnector } from '../index.ts'

const off = '<BucketLoggingStatus xmlns="http://doc.s3.amazonaws.com/2006-03-01"/>'

describe('bucket logging of S3', () => {
  let server: Server
  let open: OpenConnector
  let document = off
  let answer: { status: number; code: string } | undefined
  before(async () => {
    server = createServer((request, response) => {
      void (async () => {
        assert.equal(new URL(request.url ?? '', 'http://x').searchParams.get('logging'), '')
        if (answer)
          return response
            .writeHead(answer.status, { 'content-type': 'application/xml' })
            .end(`<Error><Code>${answer.code}</Code><Message>no</Message></Error>`)
        if (request.method === 'PUT') document = await text(request)
        return response
          .writeHead(200, { 'content-type': 'application/xml' })
          .end(request.method === 'PUT' ? '' : document)
      })()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    open = openConnector(
      {
        kind: 's3',
        name: 'x',
        bucket: 'data',
        region: 'us-east-1',
        endpoint: `http://127.0.0.1:${port}`,
        addressing: 'path',
        marker: 'username',
        credential: { type: 'static', accessKeyId: 'AK', secretAccessKey: 'SK' },
      },
      { clock: Date.now, fetch },
    )
  })
  after(() => {
    open.close()
    server.close()
  })
  beforeEach(() => {
    document = off
    answer = undefined
  })
  const { read, write } = {
    read: () => open.configuration!.readLogging!(),
    write: (
      logging: Parameters<NonNullable<NonNullable<OpenConnector['configuration']>['writeLogging']>>[0],
    ) => open.configuration!.writeLogging!(logging),
  }

  test('off is null; what is set is read back, plain and in folders', async () => {
    assert.equal(await read(), null)
    for (const logging of [
      { bucket: 'logs', prefix: 'data/' },
      { bucket: 'logs', prefix: '' },
      { bucket: 'logs', prefix: 'a&b <c>/', partitionedBy: 'EventTime' as const },
    ]) {
      await write(logging)
      assert.deepEqual(await read(), logging)
    }
    assert.match(document, /<PartitionedPrefix><PartitionDateSource>EventTime</)
  })

  test('a partitioned prefix without a word of which time is that of delivery', async () => {
    document = `<BucketLoggingStatus><LoggingEnabled><TargetBucket>logs</TargetBucket><TargetPrefix>p</TargetPrefix><TargetObjectKeyFormat><PartitionedPrefix/></TargetObjectKeyFormat></LoggingEnabled></BucketLoggingStatus>`
    assert.deepEqual(await read(), { bucket: 'logs', prefix: 'p', partitionedBy: 'DeliveryTime' })
  })

  test('whom somebody else lets read the files stays so', async () => {
    const grant =
      '<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>auditor</ID></Grantee><Permission>READ</Permission></Grant>'
    document = `<BucketLoggingStatus><LoggingEnabled><TargetBucket>old</TargetBucket><TargetGrants>${grant}</TargetGrants><TargetPrefix/></LoggingEnabled></BucketLoggingStatus>`
    await write({ bucket: 'new', prefix: 'x/' })
    assert.match(document, /<TargetBucket>new</)
    assert.match(document, /<ID>auditor<\/ID>[\s\S]*<Permission>READ</)
  })

  test('what the store refuses is told by its code', async () => {
    answer = { status: 403, code: 'AccessDenied' }
    for (const work of [read, () => write({ bucket: 'logs', prefix: '' })])
      await assert.rejects(
        work,
        (error) =>
          error instanceof SignpostError &&
          error.code === 'bucket_refused' &&
          /AccessDenied/.test(error.message),
      )
  })
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startGcs } from '../gcs.ts'
import type { Gcs } from '../gcs.ts'
import { refused, send, signByGoogle } from './google-client.ts'
import type { Answer, Signing } from './google-client.ts'

const bucket = 'team-vision'

describe('uploads of the GCS server, in parts and resumable', () => {
  let gcs: Gcs
  before(async () => {
    gcs = await startGcs({ buckets: [bucket] })
  })
  after(() => gcs.stop())
  const signed = (method: string, key: string, more: Signing = {}) =>
    signByGoogle(gcs, bucket, method, key, more)

  test('takes an object in parts, lists them, and puts them together as named', async () => {
    const at = (method: string, queryParams: Record<string, string>) => signed(method, 'big', { queryParams })
    const begun = await send(await at('POST', { uploads: '' }), { method: 'POST' })
    const uploadId = /<UploadId>(.*)<\/UploadId>/.exec(begun.body)![1]!
    const five = Buffer.alloc(5 * 2 ** 20, 'a')
    const etags: string[] = []
    for (const [index, body] of [five, Buffer.from('tail')].entries()) {
      const part = await send(await at('PUT', { uploadId, partNumber: String(index + 1) }), {
        method: 'PUT',
        body,
      })
      etags.push(String(part.headers['etag']))
    }
    const parts = await send(await at('GET', { uploadId }))
    assert.deepEqual(parts.body.match(/<Size>\d+<\/Size>/g), ['<Size>5242880</Size>', '<Size>4</Size>'])
    const complete = async (numbers: number[], etag = etags) => {
      const list = numbers.map(
        (number) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag[number - 1]}</ETag></Part>`,
      )
      const body = `<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`
      return send(await at('POST', { uploadId }), { method: 'POST', body })
    }
    refused(await complete([2, 1]), 400, 'InvalidPartOrder')
    refused(await complete([1, 2], ['"0"', '"0"']), 400, 'InvalidPart')
    refused(await send(await signed('GET', 'other', { queryParams: { uploadId } })), 404, 'NoSuchUpload')
    assert.equal((await complete([1, 2])).status, 200)
    const head = await send(await signed('HEAD', 'big'), { method: 'HEAD' })
    assert.equal(head.headers['content-length'], String(five.length + 4))
    assert.doesNotMatch(String(head.headers['x-goog-hash']), /md5/)
    refused(await complete([1, 2]), 404, 'NoSuchUpload')
  })

  test('refuses parts that are too small, and forgets an upload that was aborted', async () => {
    const at = (method: string, queryParams: Record<string, string>) =>
      signed(method, 'small', { queryParams })
    const begun = await send(await at('POST', { uploads: '' }), { method: 'POST' })
    const uploadId = /<UploadId>(.*)<\/UploadId>/.exec(begun.body)![1]!
    const parts: string[] = []
    for (const partNumber of ['1', '2']) {
      const { headers } = await send(await at('PUT', { uploadId, partNumber }), {
        method: 'PUT',
        body: 'tiny',
      })
      parts.push(`<Part><PartNumber>${partNumber}</PartNumber><ETag>${String(headers['etag'])}</ETag></Part>`)
    }
    const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`
    refused(await send(await at('POST', { uploadId }), { method: 'POST', body }), 400, 'EntityTooSmall')
    assert.match(
      (await send(await signed('GET', '', { queryParams: { uploads: '' } }))).body,
      new RegExp(uploadId),
    )
    assert.equal((await send(await at('DELETE', { uploadId }), { method: 'DELETE' })).status, 204)
    refused(await send(await at('GET', { uploadId })), 404, 'NoSuchUpload')
  })

  test('takes a resumable upload over its session URI, in pieces and after a question', async () => {
    const start = { 'x-goog-resumable': 'start' }
    const url = await signed('RESUMABLE', 'resumed')
    refused(await send(url, { method: 'POST' }), 400, 'MalformedSecurityHeader')
    const begun = await send(url, { method: 'POST', headers: start })
    assert.equal(begun.status, 201)
    const session = String(begun.headers['location'])
    assert.doesNotMatch(session, /Signature/)
    const chunk = Buffer.alloc(256 * 1024, 'x')
    const sendRange = (range: string, body: Buffer | string = '') =>
      send(session, { method: 'PUT', body, headers: { 'content-range': `bytes ${range}` } })
    assert.deepEqual(statusAndRange(await sendRange('*/*')), [308, undefined])
    assert.deepEqual(statusAndRange(await sendRange(`0-${chunk.length - 1}/*`, chunk)), [
      308,
      `bytes=0-${chunk.length - 1}`,
    ])
    refused(await sendRange('900000-900001/*', 'ab'), 400, 'InvalidArgument')
    refused(await sendRange(`${chunk.length}-${chunk.length + 1}/*`, 'ab'), 400, 'InvalidArgument')
    refused(await send(await signed('GET', 'resumed')), 404, 'NoSuchKey')
    const total = chunk.length + 2
    assert.equal((await sendRange(`${chunk.length}-${total - 1}/${total}`, 'ab')).status, 200)
    assert.equal(
      (await send(await signed('HEAD', 'resumed'), { method: 'HEAD' })).headers['content-length'],
      String(total),
    )
    refused(
      await send(session.replace('resumed', 'other'), { method: 'PUT', body: 'x' }),
      403,
      'AccessDenied',
    )
    refused(await send(`${session}x`, { method: 'PUT', body: 'x' }), 403, 'AccessDenied')
  })
})

function statusAndRange({ status, headers }: Answer): [number, unknown] {
  return [status, headers['range']]
}

/** For tests: a store in memory that takes every signature, every digest and every overwriting. */
import { createHash } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { buffer } from 'node:stream/consumers'

export function carelessStore(): RequestListener {
  const objects = new Map<string, Buffer>()
  return (request, response) => {
    void (async () => {
      const body = await buffer(request)
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://store')
      const xml = (status: number, text: string) =>
        response.writeHead(status, { 'content-type': 'application/xml' }).end(text)
      const key = pathname.split('/').slice(2).join('/')
      if (key === '' && searchParams.has('list-type')) {
        const found = [...objects.keys()].filter((one) => one.startsWith(searchParams.get('prefix') ?? ''))
        const contents = found
          .map((one) => `<Contents><Key>${encodeURIComponent(one)}</Key></Contents>`)
          .join('')
        return xml(
          200,
          `<ListBucketResult><IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>${contents}</ListBucketResult>`,
        )
      }
      if (key === '') return xml(501, '<Error><Code>NotImplemented</Code></Error>')
      if (request.method === 'PUT') {
        objects.set(key, body)
        const etag = `"${createHash('md5').update(body).digest('hex')}"`
        return response.writeHead(200, { etag }).end()
      }
      if (request.method === 'DELETE') {
        objects.delete(key)
        return response.writeHead(204).end()
      }
      const found = objects.get(key)
      if (!found) return xml(404, '<Error><Code>NoSuchKey</Code></Error>')
      const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
      const part = range ? found.subarray(Number(range[1]), Number(range[2]) + 1) : found
      response.writeHead(range ? 206 : 200, { 'content-length': part.length })
      return response.end(request.method === 'HEAD' ? undefined : part)
    })()
  }
}

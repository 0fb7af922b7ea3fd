import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'

export interface RawRequest {
  method: string
  /** As it goes onto the wire: nothing normalises it on the way. */
  url: string
  headers: Record<string, string>
  body?: Buffer | undefined
  /** Of a form: then the body is its file. */
  fields?: Record<string, string>
}

export interface RawAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}

/** Sends exactly what it is given; no URL parser of a client touches the path or the query. */
export function send(request: RawRequest, ca?: string): Promise<RawAnswer> {
  const { method, url, headers, body } = request.fields ? formOf(request, request.fields) : request
  const [, scheme = '', authority = '', target = '/'] = /^(https?):\/\/([^/]+)(\/.*)$/.exec(url) ?? []
  const [host = '', port] = authority.split(':')
  return new Promise((resolve, reject) => {
    const options = {
      host: host.endsWith('localhost') ? '127.0.0.1' : host,
      port: port ?? (scheme === 'https' ? 443 : 80),
      method,
      path: target,
      headers: {
        host: authority,
        ...(body && !('content-length' in headers) ? { 'content-length': String(body.length) } : {}),
        ...headers,
      },
      agent: false as const,
      timeout: 60_000,
      ...(ca ? { ca } : {}),
    }
    const outgoing = (scheme === 'https' ? httpsRequest : httpRequest)(options, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }),
      )
      incoming.on('error', reject)
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within a minute')))
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** RFC 7578, byte by byte, so that nothing is made right on the way. */
function formOf(request: RawRequest, fields: Readonly<Record<string, string>>): RawRequest {
  const boundary = 'signpost-form-boundary'
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  const file = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="f.bin"\r\ncontent-type: application/octet-stream\r\n\r\n`
  const body = Buffer.concat([
    Buffer.from(parts.join('') + file),
    request.body ?? Buffer.alloc(0),
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ])
  const headers = { ...request.headers, 'content-type': `multipart/form-data; boundary=${boundary}` }
  return { ...request, headers, body }
}

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { Storage } from '@google-cloud/storage'
import type { GetSignedUrlConfig } from '@google-cloud/storage'
import type { Gcs } from '../gcs.ts'

export type Signing = Partial<Omit<GetSignedUrlConfig, 'action' | 'version'>>

/**
 * A V4 URL that @google-cloud/storage signed, an implementation that is not ours. `key` '' is the bucket; method RESUMABLE starts
 * a resumable upload.
 */
export async function signByGoogle(
  gcs: Gcs,
  bucket: string,
  method: string,
  key: string,
  more: Signing = {},
  account = gcs.serviceAccount,
): Promise<string> {
  const credentials = { client_email: account.clientEmail, private_key: account.privateKeyPem }
  const storage = new Storage({ projectId: 'test-project', apiEndpoint: gcs.endpoint, credentials })
  const common = { version: 'v4' as const, expires: Date.now() + 60_000, ...more }
  if (key === '') return (await storage.bucket(bucket).getSignedUrl({ ...common, action: 'list' }))[0]
  const file = storage.bucket(bucket).file(key)
  const [url] = await file.getSignedUrl({ ...common, action: actions[method] ?? 'read' })
  if (actions[method] !== undefined) return url
  // getSignedUrl has no action for HEAD and plain POST; the signer behind it signs any method.
  return (file as unknown as { signer: AnySigner }).signer.getSignedUrl({ ...common, method })
}

const actions: Record<string, 'read' | 'write' | 'delete' | 'resumable'> = {
  GET: 'read',
  PUT: 'write',
  DELETE: 'delete',
  RESUMABLE: 'resumable',
}

interface AnySigner {
  getSignedUrl(config: Signing & { method: string }): Promise<string>
}

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

/** Not fetch: it cannot send a Host that differs from the address, and names below localhost do not resolve everywhere. */
export function send(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<Answer> {
  const { port, host, pathname, search } = new URL(url)
  const { method = 'GET', headers, body } = options
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  return new Promise((resolve, reject) => {
    const target = {
      host: '127.0.0.1',
      port,
      path: pathname + search,
      method,
      headers: { ...length, ...headers, host },
      agent: false,
    }
    const outgoing = request(target, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }))
    })
    outgoing.once('error', reject).end(body)
  })
}

export function refused(answer: Answer, status: number, code: string): void {
  assert.deepEqual([answer.status, /<Code>(.*?)<\/Code>/.exec(answer.body)?.[1]], [status, code])
}

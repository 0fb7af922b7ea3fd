/** Reads an object as it is stored. Not by `fetch`, which would unpack what is stored packed (`Content-Encoding: gzip`). */

import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import { SignpostError } from '@signpost/contract'
import { networkError } from '../store-error.ts'
import type { GcsSigner } from './sign.ts'
import { presignOwn, refusalOf, type XmlApiDeps } from './xml-api.ts'

/** Longest silence. */
const SILENCE_MS = 60_000
/** Of a refusal, as much as is looked at. */
const REFUSAL_BYTES_MAX = 65_536

export async function readObject(
  signer: Pick<GcsSigner, 'address' | 'credential'>,
  bucket: string,
  deps: Pick<XmlApiDeps, 'clock' | 'userAgent'>,
  key: string,
  { etag }: { etag?: string } = {},
): Promise<AsyncIterable<Uint8Array>> {
  const context = { bucket, host: signer.address.host }
  const { url, headers } = await presignOwn(signer, deps, {
    operation: { type: 'get', key },
    headers: etag === undefined ? {} : { 'if-match': etag },
  })
  try {
    // "Transcoding of gzip-compressed files": who takes gzip gets the bytes that are stored.
    const agent = deps.userAgent === undefined ? {} : { 'user-agent': deps.userAgent }
    const answer = await get(url, { ...headers, ...agent, 'accept-encoding': 'gzip' })
    if (answer.statusCode === 200) return bytesOf(answer, context.host)
    const text = await startOf(answer)
    if (answer.statusCode === 412)
      throw new SignpostError('conflict', 'The object was changed in the meantime: look at it again.')
    throw await refusalOf(answer.statusCode ?? 0, text, context)
  } catch (error) {
    throw networkError(error, context) ?? error
  }
}

function get(url: string, headers: Record<string, string>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = url.startsWith('https:') ? requestHttps : requestHttp
    const sent = request(url, { headers }, resolve)
    sent.setTimeout(SILENCE_MS, () =>
      sent.destroy(Object.assign(new Error('silence'), { code: 'ETIMEDOUT' })),
    )
    // After the answer it is the body that fails.
    sent.on('error', reject).end()
  })
}

async function* bytesOf(answer: IncomingMessage, host: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const bytes of answer) yield bytes as Buffer
  } catch (error) {
    throw networkError(error, { host }) ?? error
  }
}

async function startOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let seenBytes = 0
  for await (const bytes of answer) {
    chunks.push(bytes as Buffer)
    seenBytes += (bytes as Buffer).byteLength
    if (seenBytes >= REFUSAL_BYTES_MAX) break
  }
  return Buffer.concat(chunks).toString()
}

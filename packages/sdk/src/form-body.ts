import { TransferError } from './transfer-error.ts'
import type { TransferBody } from './transport.ts'

/** A form as one body (RFC 7578): its fields in their order, and the file last. */
export interface FormBody {
  body: TransferBody & { kind: 'bytes' }
  contentType: string
  /** Bytes before the file. */
  headBytes: number
}

export async function formBody(
  fields: Readonly<Record<string, string>>,
  file: TransferBody | undefined,
): Promise<FormBody> {
  const boundary = `signpost-${Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')}`
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  const encoder = new TextEncoder()
  const head = encoder.encode(
    `${parts.join('')}--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="file"\r\ncontent-type: application/octet-stream\r\n\r\n`,
  )
  const tail = encoder.encode(`\r\n--${boundary}--\r\n`)
  const bytes = file ? await bytesOf(file) : new Uint8Array(0)
  const whole = new Uint8Array(head.byteLength + bytes.byteLength + tail.byteLength)
  whole.set(head)
  whole.set(bytes, head.byteLength)
  whole.set(tail, head.byteLength + bytes.byteLength)
  return {
    body: { kind: 'bytes', bytes: whole },
    contentType: `multipart/form-data; boundary=${boundary}`,
    headBytes: head.byteLength,
  }
}

/** A form goes in one request, as what is sent by one PUT does: it is no larger than `singlePutMaxBytes`. */
async function bytesOf(body: TransferBody): Promise<Uint8Array> {
  if (body.kind === 'bytes') return body.bytes
  if (body.kind === 'blob') return new Uint8Array(await body.blob.arrayBuffer())
  const bytes = new Uint8Array(body.sizeBytes)
  for (let filled = 0; filled < bytes.byteLength;) {
    const left = bytes.byteLength - filled
    const { bytesRead } = await body.file.read(bytes, filled, left, body.start + filled)
    if (bytesRead === 0)
      throw new TransferError('source_changed', 'The file became shorter while it was read')
    filled += bytesRead
  }
  return bytes
}

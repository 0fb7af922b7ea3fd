/** Reads a form (RFC 7578): its fields first, then one file as a stream. What stands behind the file is not looked at, as on S3. */
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { Busboy } from '@fastify/busboy'
import { S3Error } from './s3-error.ts'

/** By lower-case name. */
export type FormFields = ReadonlyMap<string, string>

export interface FormFile {
  fields: FormFields
  stream: Readable
  fileName: string
}

/** S3: all that stands before the file. */
const FIELD_BYTES_MAX = 20 * 1024

/**
 * `receive` gets the file when all fields before it are there; what it keeps may count only when this resolves, since
 * the form may still end in the middle. Throws S3Error.
 */
export function readForm<Result>(
  request: IncomingMessage,
  contentType: string,
  receive: (file: FormFile) => Promise<Result>,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const reader = openReader(contentType)
    const fields = new Map<string, string>()
    let fieldBytes = 0
    let receiving: Promise<Result> | undefined
    let file: Readable | undefined
    let isRefused = false
    const refuse = (error: unknown) => {
      isRefused = true
      request.unpipe(reader)
      // Whoever reads it would wait for ever.
      file?.destroy(error as Error)
      // What it has kept by then is the caller's to remove.
      const settled = receiving ?? Promise.resolve()
      settled.then(
        () => reject(error as Error),
        () => reject(error as Error),
      )
    }
    reader.on('field', (name: string, value: string) => {
      fieldBytes += name.length + value.length
      if (receiving !== undefined) return
      if (fieldBytes > FIELD_BYTES_MAX) return refuse(new S3Error('MaxPostPreDataLengthExceeded'))
      if (fields.has(name.toLowerCase()))
        return refuse(
          new S3Error('InvalidArgument', 'A form field occurs more than once.', {
            ArgumentName: name.slice(0, 100),
          }),
        )
      fields.set(name.toLowerCase(), value)
    })
    reader.on('file', (_name: string, stream: Readable, fileName: string | undefined) => {
      // The rest of a piece that was read already.
      if (isRefused) return void stream.resume()
      file = stream
      // Told as an error of the form itself.
      stream.on('error', () => undefined)
      receiving = receive({ fields, stream, fileName: fileName ?? '' })
      receiving.catch(refuse)
    })
    reader.on('finish', () => {
      if (receiving !== undefined) receiving.then(resolve, refuse)
      else refuse(new S3Error('InvalidArgument', 'POST requires exactly one file upload per request.'))
    })
    reader.on('error', () => refuse(new S3Error('MalformedPOSTRequest')))
    request.once('aborted', () => refuse(new S3Error('IncompleteBody')))
    request.pipe(reader)
  })
}

function openReader(contentType: string): InstanceType<typeof Busboy> {
  try {
    return new Busboy({
      headers: { 'content-type': contentType },
      isPartAFile: (name) => name?.toLowerCase() === 'file',
      // One byte more than is allowed, so that too much is seen and not cut off.
      limits: { fieldNameSize: 256, fieldSize: FIELD_BYTES_MAX + 1, fields: 100, files: 1 },
    })
  } catch {
    throw new S3Error('MalformedPOSTRequest')
  }
}

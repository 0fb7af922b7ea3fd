/** Sends a reply. The access log record is written before the last byte leaves: who has the answer can read the line. */
import type { ServerResponse } from 'node:http'
import type { Reply, StoredContent } from './call.ts'
import { S3Error } from './s3-error.ts'
import { xmlDocument } from './xml.ts'

export interface ReplyContext {
  method: string
  requestId: string
  hostId: string
  /** The path as it came, for the error document. */
  resource: string
  /** Called exactly once. */
  writeLog: (reply: Reply, bytesSent: number) => void
}

/** As S3 writes its errors. A reply to HEAD has the status alone. */
export function errorReply(error: S3Error, context: Omit<ReplyContext, 'writeLog'>): Reply {
  const headers: Record<string, string> = {}
  const size = error.fields['ActualObjectSize']
  if (error.code === 'InvalidRange' && size !== undefined) headers['content-range'] = `bytes */${size}`
  if (error.code === 'SlowDown') headers['retry-after'] = '1'
  const body = xmlDocument(
    'Error',
    {
      Code: error.code,
      Message: error.message,
      ...error.fields,
      Resource: error.fields['Resource'] ?? context.resource,
      RequestId: context.requestId,
      HostId: context.hostId,
    },
    null,
  )
  return { status: error.status, errorCode: error.code, headers, body }
}

export async function sendReply(
  response: ServerResponse,
  reply: Reply,
  context: ReplyContext,
): Promise<void> {
  const body = Buffer.from(reply.body ?? '', 'utf8')
  const headers: Record<string, string> = { ...reply.headers }
  if (reply.body !== undefined) headers['content-type'] ??= 'application/xml'
  if (reply.status !== 204 && reply.status !== 304) headers['content-length'] ??= String(body.length)
  headers['x-amz-request-id'] = context.requestId
  headers['x-amz-id-2'] = context.hostId
  headers['server'] = 'signpost-local-store'
  if (reply.content !== undefined) {
    await sendContent(response, reply, reply.content, headers, context)
    return
  }
  context.writeLog(reply, context.method === 'HEAD' ? 0 : body.length)
  response.writeHead(reply.status, headers)
  response.end(context.method === 'HEAD' ? undefined : body)
}

/** Streams with one chunk held back, so that the log line can come before the end. */
async function sendContent(
  response: ServerResponse,
  reply: Reply,
  content: StoredContent,
  headers: Record<string, string>,
  context: ReplyContext,
): Promise<void> {
  let sent = 0
  let held: Buffer | null = null
  try {
    response.writeHead(reply.status, headers)
    for await (const chunk of content.read()) {
      if (held !== null) {
        sent += held.length
        if (!response.write(held)) await drained(response)
        if (response.destroyed) break
      }
      held = chunk
    }
    if (!response.destroyed) sent += held?.length ?? 0
    context.writeLog(reply, sent)
    response.end(held ?? undefined)
  } catch (error) {
    // The status is out already; an answer that is cut off is the only way left to say that it failed.
    context.writeLog({ ...reply, status: 500, errorCode: 'InternalError' }, sent)
    response.destroy()
    throw error
  } finally {
    content.release()
  }
}

/** Resolves as well when the client has gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed || !response.writableNeedDrain) return resolve()
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}

/** What is refused before Fastify sees a request: bodies that announce themselves too large, and bytes that are no HTTP. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { SignpostError } from '@signpost/contract'
import { problemOf } from '../broker/problem.ts'

/** A log file is handed in there (`access-log-routes.ts`). */
export const accessLogsPath = '/v1/access-logs'

/**
 * A client that asks first (`Expect: 100-continue`, as curl does) is not told to go on with a body beyond every limit:
 * it gets its 413 without having sent a byte.
 */
export function refuseLargeBodiesEarly(server: Pick<Server, 'on' | 'emit'>, bytesMax: number): void {
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    const isTooLarge = Number(request.headers['content-length']) > bytesMax && !isLogFile(request)
    if (!isTooLarge && !isForBucket(request)) response.writeContinue()
    server.emit('request', request, response)
  })
}

/** So many bytes that are for a bucket are read, and dropped, so that a client which does not ask first sees its answer. */
export const swallowedBytesMax = 16 * 1024 * 1024

/** A body that is for the bucket, where the redirect leads: not a byte of it is wanted here. */
function isForBucket({ method, url = '' }: IncomingMessage): boolean {
  return method === 'PUT' && url.startsWith('/o/')
}

/** Read as it comes: its size is no matter. */
function isLogFile({ method, url = '' }: IncomingMessage): boolean {
  return method === 'POST' && url.split('?', 1)[0] === accessLogsPath
}

/** Was asked, and was not told to go on: the body is not on its way (RFC 9110 §10.1.1). */
export function isAskedFirst(request: IncomingMessage): boolean {
  return isForBucket(request) && request.headers.expect?.toLowerCase() === '100-continue'
}

/** Answers what the HTTP parser gave up on, where there is still somebody to answer. */
export function answerUnreadable(error: Error & { code?: string }, socket: Duplex, requestId: string): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const [status, detail] = unreadable[error.code ?? ''] ?? [400, 'This is not a valid HTTP request.']
  const body = JSON.stringify({ ...problemOf(new SignpostError('invalid', detail), requestId), status })
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n${body}`,
  )
}

const unreadable: Record<string, [number, string]> = {
  HPE_HEADER_OVERFLOW: [431, 'The address and headers are larger than 16 KiB.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time.'],
}

/** What one authenticated request brings to an operation, and what the operation gives back. */
import type { IncomingMessage } from 'node:http'
import type { AccessLogWriter } from './access-log.ts'
import type { Authentication } from './authenticate.ts'
import type { BodyFiles } from './body-files.ts'
import type { IndexDatabase } from './index-database.ts'
import type { RequestHeaders } from './request-headers.ts'
import type { RequestTarget } from './request-target.ts'

export interface StoreDeps {
  index: IndexDatabase
  bodies: BodyFiles
  accessLog: AccessLogWriter
  clock: () => number
  region: string
  maxObjectBytes: number
}

export interface Call {
  request: IncomingMessage
  method: string
  target: RequestTarget
  headers: RequestHeaders
  auth: Authentication
  requestId: string
  /** Tells a client that waits with `Expect: 100-continue` to send its body. */
  invite: () => void
}

export interface BucketCall extends Call {
  bucket: string
}

export interface ObjectCall extends BucketCall {
  key: string
}

/** Bytes that are streamed from disk; `release` must be called once they are sent or given up. */
export interface StoredContent {
  sizeBytes: number
  read(): AsyncIterable<Buffer>
  release(): void
}

export interface Reply {
  status: number
  headers?: Record<string, string>
  /** XML text; or nothing. */
  body?: string
  content?: StoredContent
  /** For the access log. */
  objectSizeBytes?: number
  /** Of a refusal. */
  errorCode?: string
  /** One further access log record for each object that a batch removed. */
  batch?: { operation: string; keys: readonly string[] }
}

/**
 * An `x-amz-*` setting of the request. Presigners move such headers into the query, where S3 reads them as well.
 */
export function settingOf(call: Pick<Call, 'headers' | 'target'>, name: string): string | undefined {
  const header = call.headers.get(name)
  if (header !== undefined) return header
  for (const [parameter, value] of call.target.query) if (parameter.toLowerCase() === name) return value
  return undefined
}

import type { z } from 'zod'
import type { ErrorCode } from './errors.ts'

/** One operation of the HTTP API, as data: server, SDK, OpenAPI and docs all read it. */
export interface Operation {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** `{name}` for a parameter; `{key*}` takes the rest of the path. */
  path: string
  tag: string
  summary: string
  /** Markdown: who may, and what a caller would not guess. */
  description?: string
  /** A request and its answer, as one would see them. Both fit their schemas. */
  example?: { request: unknown; reply: unknown }
  params?: z.ZodObject
  query?: z.ZodObject
  body?: z.ZodType
  /** HTTP status of success. */
  status: 200 | 201 | 204
  /** Absent with 204. For `stream`, the schema of one line. */
  reply?: z.ZodType
  /** The reply is NDJSON, one `reply` a line. */
  stream?: true
  /** A creating call: takes `Idempotency-Key`. */
  idempotent?: true
  /** Errors beyond those that any operation may answer. */
  errors: readonly ErrorCode[]
}

/** What every operation may answer. */
export const commonErrors = [
  'invalid',
  'unauthenticated',
  'forbidden',
  'not_found',
  'body_too_large',
  'unsupported_media_type',
  'rate_limited',
  'internal',
  'record_unavailable',
] as const satisfies readonly ErrorCode[]

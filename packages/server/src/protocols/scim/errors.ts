/** A refusal in SCIM's own form (RFC 7644 §3.12), and how the server's other refusals look in it. */
import { SignpostError } from '@signpost/contract'
import { problemOf } from '../../broker/problem.ts'

/** RFC 7644 §3.12, table 9. */
export type ScimType =
  | 'invalidFilter'
  | 'tooMany'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue'

export class ScimError extends Error {
  readonly status: number
  readonly scimType: ScimType | undefined

  constructor(status: number, message: string, scimType?: ScimType) {
    super(message)
    this.name = 'ScimError'
    this.status = status
    this.scimType = scimType
  }
}

export function invalid(scimType: ScimType, message: string): ScimError {
  return new ScimError(400, message, scimType)
}

export interface ScimRefusal {
  status: number
  body: Record<string, unknown>
  headers: Record<string, string>
  /** Nobody foresaw this one: it belongs into the log, with its stack. */
  unexpected: boolean
}

const errorSchema = 'urn:ietf:params:scim:api:messages:2.0:Error'
/** Fields that only one user or team may have a value of. */
const uniqueFields = new Set(['username', 'name', 'externalId'])

/** Any thrown value -> what the client may see of it. */
export function refusalOf(error: unknown, requestId: string): ScimRefusal {
  if (error instanceof ScimError) return refusal(error.status, error.message, error.scimType)
  const { status, detail } = problemOf(error, requestId)
  if (!(error instanceof SignpostError)) return { ...refusal(status, detail, undefined), unexpected: true }
  const headers: Record<string, string> = {}
  if (error.retryAfterSeconds !== undefined)
    headers['retry-after'] = String(Math.ceil(error.retryAfterSeconds))
  if (error.code === 'unauthenticated') headers['www-authenticate'] = 'Bearer realm="signpost"'
  const unexpected = error.code === 'internal'
  return { ...refusal(status, detail, scimTypeOf(error)), headers, unexpected }
}

function refusal(status: number, detail: string, scimType: ScimType | undefined): ScimRefusal {
  const body = {
    schemas: [errorSchema],
    ...(scimType === undefined ? {} : { scimType }),
    detail,
    // As a JSON string: so says the specification.
    status: String(status),
  }
  return { status, body, headers: {}, unexpected: false }
}

function scimTypeOf({ code, field }: SignpostError): ScimType | undefined {
  if (code === 'invalid') return 'invalidValue'
  return code === 'conflict' && uniqueFields.has(field ?? '') ? 'uniqueness' : undefined
}

const ofFastify: Record<string, [number, string, ScimType?]> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'The body is larger than this server takes.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, 'Send the body as application/scim+json.'],
  FST_ERR_CTP_INVALID_JSON_BODY: [400, 'The body is not valid JSON.', 'invalidSyntax'],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'The body is empty.', 'invalidSyntax'],
}

/** What Fastify and its JSON parser (which refuses `__proto__`) throw; undefined: it is none of these. */
export function unreadable(error: unknown): ScimError | undefined {
  if (!(error instanceof Error)) return undefined
  const known = 'code' in error ? ofFastify[String(error.code)] : undefined
  if (known) return new ScimError(...known)
  if (error instanceof SyntaxError) return new ScimError(400, 'The body is not valid JSON.', 'invalidSyntax')
  return undefined
}

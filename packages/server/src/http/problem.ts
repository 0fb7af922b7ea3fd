/** The only place that turns an error into HTTP: RFC 9457 problem details. */
import { SignpostError, type ErrorCode, type Problem } from '@signpost/contract'
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import { problemOf } from '../broker/problem.ts'

export interface Refusal {
  problem: Problem
  headers: Record<string, string>
  /** Nobody foresaw this one: it belongs into the log, with its stack. */
  unexpected: boolean
}

/** What Fastify itself refuses, by its error code: ours, and a sentence that says what to do. */
const fastifyErrors: Record<string, [ErrorCode, string]> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [
    'body_too_large',
    'The body is larger than this call takes; send less at once.',
  ],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'unsupported_media_type',
    'Send the body as content-type: application/json.',
  ],
  FST_ERR_CTP_INVALID_JSON_BODY: ['invalid', 'The body is not valid JSON.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['invalid', 'The body is empty; this call takes a JSON document.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['invalid', 'The body is not as long as content-length says.'],
  // Only of QUERY, which nothing here takes: without a word here, anybody could fill the log with stacks.
  FST_ERR_ROUTE_MISSING_CONTENT_TYPE: ['method_not_allowed', 'This address does not take this method.'],
  FST_ERR_BAD_URL: ['invalid', 'The address is not valid: its percent-encoding is broken.'],
  FST_ERR_MAX_URL_LENGTH: ['invalid', 'The address is too long.'],
}

/** Any thrown value -> what the client may see of it. */
export function refusalOf(error: unknown, requestId: string): Refusal {
  const foreseen = error instanceof SignpostError ? error : ofFastify(error)
  const headers: Record<string, string> = {}
  if (foreseen?.retryAfterSeconds !== undefined)
    headers['retry-after'] = String(Math.ceil(foreseen.retryAfterSeconds))
  if (foreseen?.code === 'unauthenticated') headers['www-authenticate'] = 'Bearer realm="signpost"'
  return {
    problem: problemOf(foreseen ?? error, requestId),
    headers,
    unexpected: foreseen === undefined || foreseen.code === 'internal',
  }
}

/** Whoever sends it has gone away: nobody reads this, and nothing is wrong here. */
const bodyCutOff = new SignpostError('invalid', 'The body is not all there.')

function isCutOff(error: unknown, { raw }: FastifyRequest): boolean {
  return raw.errored !== null && error === raw.errored
}

/** Answers with the problem, and logs what nobody foresaw, once. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const seen = isCutOff(error, request) ? bodyCutOff : error
  const { problem, headers, unexpected } = refusalOf(seen, request.id)
  logRefusal(error, loggedRequest(request), problem, unexpected)
  return reply
    .code(problem.status)
    .headers(headers)
    .header('content-type', 'application/problem+json')
    .send(JSON.stringify(problem))
}

/**
 * Why the operator may want to look: unforeseen errors with their stack; the bucket's and the database's with what their
 * causes say, and with the stack at `debug` only.
 */
export function logRefusal(
  error: unknown,
  { requestId, operation, log }: LoggedRequest,
  problem: Problem,
  unexpected: boolean,
): void {
  const fields = { requestId, operation, code: problem.code }
  if (unexpected) log.error({ ...fields, err: error }, 'unexpected error')
  else if (problem.status >= 500) {
    log.warn({ ...fields, ...causeOf(error) }, problem.detail)
    log.debug({ requestId, err: error }, 'the stack of the refusal')
  }
}

/** What the log says of a request. */
export interface LoggedRequest {
  requestId: string
  operation: string | undefined
  log: Pick<FastifyBaseLogger, 'error' | 'warn' | 'debug'>
}

export function loggedRequest({ id, routeOptions, log }: FastifyRequest): LoggedRequest {
  return { requestId: id, operation: routeOptions.config.operation, log }
}

/** Fastify's JSON parser throws plain syntax errors with status 400 (also for `__proto__` keys); their text quotes the body. */
function ofFastify(error: unknown): SignpostError | undefined {
  if (!(error instanceof Error)) return undefined
  const known = 'code' in error ? fastifyErrors[String(error.code)] : undefined
  if (known) return new SignpostError(...known)
  if (error instanceof SyntaxError && 'statusCode' in error && error.statusCode === 400)
    return new SignpostError('invalid', 'The body is not valid JSON.')
  return undefined
}

/** Follows so many causes of an error. */
const causesMax = 5

/** What the client is not told: the messages of the causes, outermost first. */
export function causeOf(error: unknown): { cause?: string } {
  const messages: string[] = []
  for (let at = error; at instanceof Error && at.cause !== undefined && messages.length < causesMax;) {
    at = at.cause
    // An AggregateError (every address of a name was tried) has a code and no message.
    messages.push(at instanceof Error ? at.message || ('code' in at ? String(at.code) : at.name) : String(at))
  }
  return messages.length === 0 ? {} : { cause: messages.join(': ') }
}

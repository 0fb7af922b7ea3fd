/**
 * A way of its own for the request that comes more often than all others together: one URL. Fastify's routing, hooks and
 * streams would take as long as deciding and signing. What is not the plain case goes Fastify's way, before anything of it
 * is read; that both ways give the same answers is tested (`url-lane.test.ts`).
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { operations, type IssuedUrl, type ParsedInput } from '@signpost/contract'
import type { FastifyInstance } from 'fastify'
import { issuedUrlFields } from '../broker/issued-url-text.ts'
import { plainItem } from '../broker/plain-item.ts'
import type { Principal } from '../domain/principal.ts'
import { socketAddress } from './address.ts'
import { callContextOf, type Admission } from './authenticated.ts'
import type { HttpDeps } from './deps.ts'
import { headersOfAll } from './headers.ts'
import { checkInput } from './input.ts'
import type { JsonReader } from './json-body.ts'
import { logRefusal, refusalOf } from './problem.ts'

/** Runs it at the end of the event loop's turn, with others of that turn. */
type Gathering = (run: () => void) => void

interface Lane {
  deps: HttpDeps
  admit: Admission
  readJson: JsonReader
  together: Gathering
  /** Names and values in turn. */
  headers: readonly string[]
}

export function addUrlLane(
  server: FastifyInstance,
  deps: HttpDeps,
  { admit, readJson }: Pick<Lane, 'admit' | 'readJson'>,
): void {
  const [others] = server.server.listeners('request') as [RequestListener]
  const headers = Object.entries(headersOfAll).flat()
  if (deps.settings.corsOrigins.length > 0) headers.push('vary', 'origin')
  const lane = { deps, admit, readJson, headers, together: createGathering() }
  let closing = false
  server.addHook('preClose', (done) => {
    closing = true
    done()
  })
  server.server.removeListener('request', others)
  server.server.on('request', (request, response) => {
    const team = closing ? undefined : teamOf(request, deps)
    if (team === undefined) others(request, response)
    else serve(lane, request, response, team)
  })
}

/** As the contract's paths and names of teams are written. */
const path = /^\/v1\/teams\/([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\/urls$/

/** Of the plain case: JSON of a known length, from no page, with no word of a proxy that may count. */
function teamOf({ method, url, headers }: IncomingMessage, { settings }: HttpDeps): string | undefined {
  if (method !== 'POST' || headers['content-type'] !== 'application/json') return undefined
  if (!(Number(headers['content-length']) <= settings.bodyBytesMax)) return undefined
  if (headers.origin !== undefined) return undefined
  // A session in a cookie: who may use it is decided on the ordinary way.
  if (headers.authorization === undefined && headers.cookie !== undefined) return undefined
  if (headers['x-forwarded-for'] !== undefined && settings.trustedProxies.length > 0) return undefined
  return path.exec(url!)?.[1]
}

function serve(lane: Lane, request: IncomingMessage, response: ServerResponse, team: string): void {
  const begun = performance.now()
  const { handlers, broker, metrics, log } = lane.deps
  const requestId = broker.newId()
  const call = callContextOf(requestId, socketAddress(request.socket), request.headers['user-agent'])

  const answer = (status: number, headers: readonly string[], text: string) => {
    response.writeHead(status, [
      'x-request-id',
      requestId,
      ...lane.headers,
      ...headers,
      'content-length',
      String(Buffer.byteLength(text)),
    ])
    response.end(text)
    const ms = performance.now() - begun
    metrics.request('issueUrl', status, ms)
    log.debug({ requestId, operation: 'issueUrl', status, ms: Math.round(ms) }, 'answered')
  }
  const refuse = (error: unknown) => {
    const { problem, headers, unexpected } = refusalOf(error, requestId)
    logRefusal(error, { requestId, operation: 'issueUrl', log }, problem, unexpected)
    const lines = [
      ...Object.entries(headers).flat(),
      'content-type',
      'application/problem+json; charset=utf-8',
    ]
    answer(problem.status, lines, JSON.stringify(problem))
  }
  const issue = async (principal: Principal, value: unknown) => {
    const issued = await handlers.issueUrl(broker, { principal, call }, inputOf(team, value))
    answer(200, typeOfJson, `{${issuedUrlFields(issued as IssuedUrl)}}`)
  }
  const accept = (principal: Principal) =>
    readBody(request, (body) =>
      lane.together(() =>
        lane.readJson(body, (error, value) => {
          if (error) refuse(error)
          else issue(principal, value).catch(refuse)
        }),
      ),
    )
  try {
    const found = lane.admit(request.headers.authorization, call)
    if (found instanceof Promise) found.then(accept).catch(refuse)
    else accept(found)
  } catch (error) {
    refuse(error)
  }
}

const typeOfJson = ['content-type', 'application/json; charset=utf-8']

/** Nearly all say no more than action and key: then the schema has nothing to add. */
function inputOf(team: string, value: unknown): ParsedInput<'issueUrl'> {
  const body = plainItem(value)
  if (body) return { params: { team }, query: undefined, body }
  const raw = { params: { team }, query: {}, body: value, idempotencyKey: undefined }
  return checkInput(operations.issueUrl, raw) as ParsedInput<'issueUrl'>
}

/** Then what is signed goes on, so that disk and clients have their work while the next are signed. */
const inRowMax = 32

/**
 * Requests that are read in one turn are decided and signed in a row: then what that takes stays in the processor's caches,
 * which reading and parsing HTTP would push out in between. Their records share a commit either way.
 */
function createGathering(): Gathering {
  const waiting: (() => void)[] = []
  const runSome = () => {
    for (const run of waiting.splice(0, inRowMax)) run()
    if (waiting.length > 0) setImmediate(runSome)
  }
  return (run) => {
    if (waiting.length === 0) setImmediate(runSome)
    waiting.push(run)
  }
}

/** All of it, which is no more than content-length said. A client that goes away before gets no answer. */
function readBody(request: IncomingMessage, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => done(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
}

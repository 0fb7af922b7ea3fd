/** `/o/{team}/{key}`: a redirect to a URL that was signed for this one request. The bytes never come this way. */
import { operations, SignpostError, type UrlRequest } from '@signpost/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Caller } from '../broker/deps.ts'
import { objectPath } from '../broker/redirect-address.ts'
import { issueRedirect, listFolder } from '../broker/redirect-object.ts'
import type { Admission } from './authenticated.ts'
import type { BrowserSessions } from './browser-sessions.ts'
import type { HttpDeps } from './deps.ts'
import { sendFolder, sendGatewayProblem } from './folder-page.ts'
import { checkInput } from './input.ts'
import { loggedRequest, logRefusal, refusalOf } from './problem.ts'
import { createRedirectCallers, type RedirectCallers } from './redirect-caller.ts'
import { isAskedFirst, swallowedBytesMax } from './refuse-early.ts'

const config = { operation: 'redirect' }

export function addRedirectRoutes(
  server: FastifyInstance,
  deps: HttpDeps,
  admit: Admission,
  sessions: BrowserSessions,
): void {
  const callers = createRedirectCallers(deps, admit, sessions)
  void server.register((scope, _options, done) => {
    scope.setErrorHandler((error, request, reply) => sendRefusal(error, request, reply))
    for (const url of ['/o/:team', '/o/:team/*']) {
      scope.route({
        method: ['GET', 'HEAD'],
        url,
        config,
        handler: (request, reply) => serve(deps, callers, answerRead, request, reply),
      })
      scope.route({
        method: 'PUT',
        url,
        config,
        // Before a body is read: there is nobody here who would take it.
        onRequest: (request, reply) => serve(deps, callers, answerWrite, request, reply),
        handler: (_request, reply) => reply,
      })
    }
    done()
  })
}

interface Place {
  team: string
  key: string
  query: Record<string, unknown>
}

function placeOf(request: FastifyRequest): Place {
  const { team = '', '*': key = '' } = request.params as { team?: string; '*'?: string }
  return { team, key, query: request.query as Record<string, unknown> }
}

type Answer = (
  deps: HttpDeps,
  caller: Caller,
  request: FastifyRequest,
  reply: FastifyReply,
) => Promise<FastifyReply>

async function serve(
  deps: HttpDeps,
  callers: RedirectCallers,
  answer: Answer,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { share } = placeOf(request).query
  if (share === undefined) return answer(deps, await callers.find(request), request, reply)
  try {
    // Twice in one address, and nobody can tell which counts.
    const caller = await callers.byLink(request, typeof share === 'string' ? share : '')
    return await answer(deps, caller, request, reply)
  } catch (error) {
    throw callers.linkError(request, error)
  }
}

const answerRead: Answer = async ({ broker }, caller, request, reply) => {
  const { team, key, query } = placeOf(request)
  const { share, download, cursor } = query
  if (key === '' || key.endsWith('/')) {
    const asked = { params: { team }, query: { prefix: key, cursor }, body: undefined }
    checkInput(operations.listObjects, { ...asked, idempotencyKey: undefined })
    // Names in a page are relative to its address.
    if (isBare(request)) return reply.redirect(`${objectPath(team, '')}${queryOf(share)}`, 308)
    const page = await listFolder(broker, caller, { team, prefix: key, cursor: cursor as string | undefined })
    return sendFolder(reply, { team, prefix: key, share: share as string | undefined, page })
  }
  const method = request.method === 'HEAD' ? 'HEAD' : 'GET'
  // The name is in the answer to a GET alone; a client that asks with HEAD first gets the rest of it.
  const isNamed = method === 'GET' && download !== undefined
  const downloadAs = isNamed ? { downloadAs: download === '' ? lastName(key) : download } : {}
  const body = checkedBody(team, { action: 'read', key, method, ...downloadAs })
  return redirect(reply, await issueRedirect(broker, caller, { team, body, sent: request.headers }))
}

const answerWrite: Answer = async ({ broker }, caller, request, reply) => {
  const { team, key } = placeOf(request)
  const { headers } = request
  const length = headers['content-length']
  if (length === undefined)
    throw new SignpostError(
      'length_required',
      'Send the body with a Content-Length: a bucket takes none without, and a body in chunks cannot be sent a second time.',
    )
  const contentLength = Number(length)
  if (contentLength > swallowedBytesMax && !isAskedFirst(request.raw)) {
    reply.header('connection', 'close')
    throw new SignpostError(
      'body_too_large',
      'Send a body of this size with Expect: 100-continue (curl does), so that it goes to the bucket alone; or ask for a URL: POST /v1/teams/{team}/urls, or signpost cp.',
    )
  }
  const createOnly = headers['if-none-match'] === '*' ? { createOnly: true } : {}
  const body = checkedBody(team, { action: 'write', key, method: 'PUT', contentLength, ...createOnly })
  return redirect(reply, await issueRedirect(broker, caller, { team, body, sent: headers }))
}

function checkedBody(team: string, body: Record<string, unknown>): UrlRequest {
  const raw = { params: { team }, query: {}, body, idempotencyKey: undefined }
  return checkInput(operations.issueUrl, raw).body as UrlRequest
}

/** `/o/{team}`, without the slash. */
function isBare({ params }: FastifyRequest): boolean {
  return (params as { '*'?: string })['*'] === undefined
}

function queryOf(share: unknown): string {
  return typeof share === 'string' ? `?share=${encodeURIComponent(share)}` : ''
}

/** RFC 9110 §15.4.8: method and body stay as they are. Where it leads stands in the header alone. */
function redirect(reply: FastifyReply, { url }: { url: string }): FastifyReply {
  return reply
    .code(307)
    .headers({ location: url, 'content-type': 'text/plain; charset=utf-8' })
    .send('The object is at the address in the Location header, for a minute.\n')
}

function lastName(key: string): string {
  // Not from within a character of two units: its second half alone is no text.
  return (key.split('/').at(-1) ?? '').slice(-255).replace(/^[\udc00-\udfff]/, '')
}

function sendRefusal(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { problem, headers, unexpected } = refusalOf(error, request.id)
  const { authorization, accept = '', 'sec-fetch-site': site } = request.headers
  const isPage = request.method === 'GET' && accept.includes('text/html')
  logRefusal(error, loggedRequest(request), problem, unexpected)
  reply.headers(headers)
  if (problem.status === 401 && isPage && authorization === undefined)
    return reply.redirect(`/login?return=${encodeURIComponent(request.raw.url!)}`, 303)
  // A browser would ask its user for a password, and send it along ever after.
  if (problem.status === 401 && site === undefined) reply.header('www-authenticate', challenges)
  if (isPage) return sendGatewayProblem(reply, { ...problem, requestId: request.id })
  return reply
    .code(problem.status)
    .header('content-type', 'application/problem+json')
    .send(JSON.stringify(problem))
}

const challenges = ['Bearer realm="signpost"', 'Basic realm="signpost", charset="UTF-8"']

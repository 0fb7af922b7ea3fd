/**
 * SCIM 2.0 (RFC 7643, RFC 7644): an organisation's directory keeps users and teams here. Thin: what is asked becomes calls of
 * `broker/directory`, which decides and records.
 */
import { isUtf8 } from 'node:buffer'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { scimDeps } from '../../broker/directory/gate.ts'
import type { BrokerDeps, Caller } from '../../broker/deps.ts'
import { refusalOf, ScimError, unreadable } from './errors.ts'
import { addDiscovery } from './discovery-routes.ts'
import { addResources } from './resource-routes.ts'
import { sendScim } from './send.ts'

export interface ScimParts {
  broker: BrokerDeps
  /** Whose bearer key this request came with; nothing else counts. */
  callerOf: (request: FastifyRequest) => Promise<Caller>
}

/** Where it lies; the second is W&B's. */
const prefixes = ['/scim/v2', '/scim']

export function addScim(server: FastifyInstance, parts: ScimParts): void {
  const broker = scimDeps(parts.broker)
  for (const prefix of prefixes) {
    void server.register(
      (scope, _options, done) => {
        scope.setErrorHandler((error, request, reply) => sendRefusal(error, request, reply))
        acceptScimJson(scope)
        scope.addHook('onRequest', async (request) => {
          request.caller = await parts.callerOf(request)
        })
        const context = {
          broker,
          base: () => `${broker.publicUrl()}${prefix}`,
        }
        addDiscovery(scope, context)
        addResources(scope, context)
        scope.setNotFoundHandler(() => {
          throw new ScimError(404, 'There is no such address, or it does not take this method.')
        })
        done()
      },
      { prefix },
    )
  }
}

/** RFC 7644 §3.1; `application/json` is taken as everywhere. */
function acceptScimJson(scope: FastifyInstance): void {
  const parse = scope.getDefaultJsonParser('error', 'ignore')
  scope.addContentTypeParser(
    'application/scim+json',
    { parseAs: 'buffer' },
    (request, body: Buffer, done) => {
      if (body.length === 0) done(null, undefined)
      else if (!isUtf8(body)) done(new ScimError(400, 'The body is not valid UTF-8.', 'invalidSyntax'))
      else void parse(request, body.toString(), done)
    },
  )
}

function sendRefusal(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = unreadable(thrown) ?? thrown
  const { status, body, unexpected, headers } = refusalOf(error, request.id)
  const { operation } = request.routeOptions.config
  const fields = { requestId: request.id, operation, err: thrown }
  if (unexpected) request.log.error(fields, 'unexpected error')
  else if (status === 503) request.log.warn(fields, 'refused: the record cannot be written')
  return sendScim(reply.code(status).headers(headers), body)
}

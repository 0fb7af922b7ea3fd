/** POST /v1/log-sources/{name}/deliveries: stores send their access logs. No API key of a user counts here. */
import { SignpostError } from '@signpost/contract'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { allowedOrigin } from '../broker/event-grid-handshake.ts'
import { authenticateDelivery, receiveLog } from '../broker/receive-log.ts'
import { callerAddress } from './address.ts'
import { callContextOf, createLimiter, tooMany } from './authenticated.ts'
import type { HttpDeps } from './deps.ts'

export const deliveryPath = '/v1/log-sources/:name/deliveries'

type Sender = Awaited<ReturnType<typeof authenticateDelivery>>

export function addDeliveryRoutes(server: FastifyInstance, deps: HttpDeps): void {
  const waitAfterFailure = createLimiter(deps.settings.rateLimitFailedAuthPerMinute, deps)
  const waitOf = createLimiter(deps.settings.rateLimitPerMinute, deps)
  const senders = new WeakMap<FastifyRequest, Sender>()
  void server.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    // Before a byte of the body is read.
    scope.addHook('onRequest', async (request) => {
      const { name = '' } = request.params as { name?: string }
      const address = callerAddress(request)
      const call = callContextOf(request.id, address, request.headers['user-agent'])
      const sender = await authenticateDelivery(deps.broker, name, tokenOf(request), call).catch(
        (error: unknown) => {
          const isFailure = error instanceof SignpostError && error.code === 'unauthenticated'
          const wait = isFailure ? waitAfterFailure(address) : 0
          throw wait === 0 ? error : tooMany('Too many failed authentications from this address; wait.', wait)
        },
      )
      const wait = waitOf(sender.id)
      if (wait > 0) throw tooMany('Too many deliveries of this log source; wait, or send more in each.', wait)
      const coding = request.headers['content-encoding'] ?? 'identity'
      if (coding !== 'identity')
        throw new SignpostError('unsupported_media_type', 'content-encoding: send deliveries as they are.')
      senders.set(request, sender)
    })
    scope.post(deliveryPath, { config: { operation: 'deliverLogs' } }, async (request, reply) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
      const answer = await receiveLog(deps.broker, senders.get(request)!, body)
      return reply.code(200).header('content-type', 'application/json').send(JSON.stringify(answer))
    })
    scope.options(deliveryPath, (request, reply) => {
      const origin = allowedOrigin(senders.get(request)!, request.headers['webhook-request-origin'])
      return reply
        .code(200)
        .headers({
          'webhook-allowed-origin': origin,
          'webhook-allowed-rate': String(deps.settings.rateLimitPerMinute),
        })
        .send()
    })
  })
}

/** `Bearer <token>`, the token alone (MinIO), or `token` in the query, for senders that have no header of their own. */
function tokenOf({ headers: { authorization }, query }: FastifyRequest): string {
  if (authorization !== undefined) return authorization.replace(/^Bearer +/i, '')
  const { token } = query as { token?: unknown }
  return typeof token === 'string' ? token : ''
}

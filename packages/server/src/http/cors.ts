/** CORS for pages on the origins that the operator has named. Tokens are bearer tokens, so no cookies are ever allowed. */
import type { FastifyInstance } from 'fastify'

const preflightSeconds = 600

export function allowOrigins(server: FastifyInstance, origins: readonly string[]): void {
  const allowed = new Set(origins)
  server.addHook('onRequest', (request, reply, done) => {
    reply.header('vary', 'origin')
    const { origin } = request.headers
    if (origin === undefined || !allowed.has(origin)) return done()
    reply.header('access-control-allow-origin', origin)
    reply.header('access-control-expose-headers', 'x-request-id, retry-after')
    done()
  })
  server.options('/v1/*', (_request, reply) =>
    reply
      .code(204)
      .headers({
        'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
        'access-control-allow-headers': 'authorization, content-type, idempotency-key',
        'access-control-max-age': String(preflightSeconds),
      })
      .send(),
  )
}

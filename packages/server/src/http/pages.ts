/** What is served beside the API: probes, metrics, and the API's own description. */
import { openApiDocument, SignpostError } from '@signpost/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { requireOrganisation } from '../broker/gate.ts'
import type { Authentication } from './authenticated.ts'
import type { HttpDeps } from './deps.ts'
import { docsPage, docsStyleHash } from './docs-page.ts'
import { causeOf } from './problem.ts'

const readyTimeoutMs = 2000

export function addPages(server: FastifyInstance, deps: HttpDeps, authenticate: Authentication): void {
  server.get('/', (_request, reply) => reply.redirect('/docs'))
  // Browsers ask for one with every page.
  server.get('/favicon.ico', (_request, reply) => reply.code(204).send())
  // With a line break: people ask by curl.
  const ok = (reply: FastifyReply) =>
    reply.header('content-type', 'application/json').send('{"status":"ok"}\n')
  server.get('/healthz', (_request, reply) => ok(reply))

  // The question costs a write to the disk and needs no key: all who ask at the same time share one.
  let asking: Promise<void> | undefined
  const ready = () => (asking ??= deps.broker.store.ping().finally(() => (asking = undefined)))
  server.get('/readyz', async (request, reply) => {
    try {
      await within(readyTimeoutMs, ready())
      return ok(reply)
    } catch (error) {
      const { cause = (error as Error).message } = causeOf(error)
      request.log.warn({ requestId: request.id, cause }, 'not ready: the database does not answer')
      return reply
        .code(503)
        .header('content-type', 'application/json')
        .send('{"status":"unavailable","reason":"the database does not answer"}\n')
    }
  })

  server.get(
    '/metrics',
    deps.settings.metricsPublic ? {} : { onRequest: authenticate },
    async (request, reply) => {
      if (!deps.settings.metricsPublic) await requireAdmin(deps, request)
      return reply.header('content-type', deps.metrics.contentType).send(await deps.metrics.render())
    },
  )

  // Made once, on first demand: a start should not wait for them.
  let openApi: string | undefined
  server.get('/openapi.json', (_request, reply) => {
    openApi ??= JSON.stringify(openApiDocument(deps.version))
    return reply.header('content-type', 'application/json').send(openApi)
  })

  let docs: string | undefined
  server.get('/docs', (_request, reply) => {
    docs ??= docsPage(deps.version)
    return reply
      .headers({
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': `default-src 'none'; style-src '${docsStyleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      })
      .send(docs)
  })
}

/** Recorded when refused, as everything is that is for admins. */
async function requireAdmin({ broker }: HttpDeps, { caller }: FastifyRequest): Promise<void> {
  if (caller === null)
    throw new SignpostError('unauthenticated', 'Send an API key: Authorization: Bearer sp_...')
  await requireOrganisation(broker, caller, 'audit.read', 'access.refuse', { details: { page: '/metrics' } })
}

async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${milliseconds} ms`)), milliseconds)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

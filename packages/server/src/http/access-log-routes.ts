/** POST /v1/access-logs: the body is a log file, read as it comes, packed or not. No operation of JSON, and of any size. */
import { rawOperations, type IngestAccessLogQuery } from '@signpost/contract'
import type { FastifyInstance } from 'fastify'
import { ingestAccessLog } from '../broker/ingest-access-log.ts'
import type { Authentication } from './authenticated.ts'
import type { HttpDeps } from './deps.ts'
import { checkInput } from './input.ts'
import { accessLogsPath } from './refuse-early.ts'

export function addAccessLogRoutes(
  server: FastifyInstance,
  deps: HttpDeps,
  authenticate: Authentication,
): void {
  void server.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers()
    // Handed on as a stream: nothing of it is held.
    scope.addContentTypeParser('*', (_request, body, parsed) => parsed(null, body))
    scope.route({
      method: 'POST',
      url: accessLogsPath,
      config: { operation: 'ingestAccessLog' },
      // What it unpacks to has its own limit (`correlation/read-lines.ts`).
      bodyLimit: Number.MAX_SAFE_INTEGER,
      onRequest: authenticate,
      handler: async (request, reply) => {
        const query = request.query as Record<string, unknown>
        const input = checkInput(rawOperations.ingestAccessLog, {
          params: {},
          query,
          body: undefined,
          idempotencyKey: undefined,
        })
        const bytes = (request.body ?? []) as AsyncIterable<Uint8Array>
        const asked = input.query as IngestAccessLogQuery
        const counts = await ingestAccessLog(deps.broker, request.caller!, asked, bytes)
        return reply.header('content-type', 'application/json').send(JSON.stringify(counts))
      },
    })
    done()
  })
}

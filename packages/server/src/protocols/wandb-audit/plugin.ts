/**
 * W&B's audit log API (docs `platform/hosting/monitoring-usage/audit-logging`), for what already reads it. Thin: what is asked
 * becomes a call of `broker/wandb-audit`, which decides and records. Refusals are problems, as everywhere.
 */
import { Readable } from 'node:stream'
import { SignpostError } from '@signpost/contract'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { bearerOfBasic } from '../../authn/basic-key.ts'
import type { BrokerDeps, Caller } from '../../broker/deps.ts'
import { readWandbAuditLogs } from '../../broker/wandb-audit.ts'
import { readQuery } from './query.ts'

export interface WandbAuditParts {
  broker: BrokerDeps
  /** Whose key this is; a cookie never counts. */
  callerOf: (request: FastifyRequest, authorization: string | undefined) => Promise<Caller>
}

export function addWandbAudit(server: FastifyInstance, { broker, callerOf }: WandbAuditParts): void {
  server.route({
    method: 'GET',
    url: '/admin/audit_logs',
    config: { operation: 'wandb.auditLogs' },
    onRequest: async (request) => {
      request.caller = await callerOf(request, bearerOfBasic(request.headers.authorization))
    },
    onSend: (request, reply, payload, done) => {
      // RFC 9110 §15.5.2, for clients that wait to be asked. A browser would ask its user, and send it along ever after.
      if (reply.statusCode === 401 && request.headers['sec-fetch-site'] === undefined)
        reply.header('www-authenticate', [
          'Bearer realm="signpost"',
          'Basic realm="signpost", charset="UTF-8"',
        ])
      done(null, payload)
    },
    handler: async (request, reply) => {
      const { caller } = request
      if (caller === null)
        throw new SignpostError(
          'unauthenticated',
          'Send an API key, as a bearer token or the password of Basic.',
        )
      const asked = readQuery(request.query as Record<string, unknown>)
      const pieces = await readWandbAuditLogs(broker, caller, asked)
      // The first piece is awaited before anything is sent, so that a failure can still be an ordinary problem. A later one
      // cuts the connection: half an answer must not look whole.
      const first = await pieces.next()
      reply.header('content-type', asked.page === undefined ? 'application/x-ndjson' : 'application/json')
      return reply.send(Readable.from(continued(first, pieces), { highWaterMark: 1 }))
    },
  })
}

async function* continued(
  first: IteratorResult<string>,
  rest: AsyncGenerator<string>,
): AsyncGenerator<string> {
  if (first.done) return
  yield first.value
  yield* rest
}

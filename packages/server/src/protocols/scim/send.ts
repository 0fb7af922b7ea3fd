import type { FastifyReply } from 'fastify'

/** RFC 7644 §3.1. */
export function sendScim(reply: FastifyReply, body: unknown): FastifyReply {
  return reply.header('content-type', 'application/scim+json; charset=utf-8').send(JSON.stringify(body))
}

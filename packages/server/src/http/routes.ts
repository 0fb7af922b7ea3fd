/** Routes made from the contract: one for each operation, all by the same few lines. */
import {
  operations,
  SignpostError,
  type IssuedUrl,
  type Operation,
  type OperationId,
} from '@signpost/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { BrokerDeps, Caller } from '../broker/deps.ts'
import { issuedUrlFields } from '../broker/issued-url-text.ts'
import type { Authentication } from './authenticated.ts'
import type { HttpDeps } from './deps.ts'
import { checkInput } from './input.ts'
import { sendLines } from './lines.ts'
import { loggedRequest, logRefusal, refusalOf } from './problem.ts'

/** The batch of URLs may be so many times as large as any other body. */
const batchBodyFactor = 8

type AnyHandler = (
  deps: BrokerDeps,
  caller: Caller,
  input: unknown,
) => Promise<unknown> | AsyncIterable<unknown>

export const operationList = Object.entries(operations) as [OperationId, Operation][]

export function addRoutes(server: FastifyInstance, deps: HttpDeps, authenticate: Authentication): void {
  for (const [id, operation] of operationList) {
    const handle = deps.handlers[id] as AnyHandler
    const answer = operation.stream ? lineAnswer(operation) : wholeAnswer(id, operation)
    server.route({
      method: operation.method,
      url: routePath(operation.path),
      config: { operation: id },
      bodyLimit: deps.settings.bodyBytesMax * (id === 'issueUrls' ? batchBodyFactor : 1),
      onRequest: authenticate,
      handler: (request, reply) => {
        const input = checkInput(operation, {
          params: paramsOf(request.params as Record<string, string>, operation),
          query: request.query as Record<string, unknown>,
          body: request.body,
          idempotencyKey: request.headers['idempotency-key'],
        })
        reply.code(operation.status)
        return answer(handle(deps.broker, callerOf(request), input), request, reply)
      },
    })
  }
}

type Answer = (
  result: Promise<unknown> | AsyncIterable<unknown>,
  request: FastifyRequest,
  reply: FastifyReply,
) => Promise<unknown>

/** Through the reply's schema, which drops what it does not declare: no other field can leave. */
function wholeAnswer(id: OperationId, { reply: schema }: Operation): Answer {
  if (!schema)
    return async (result, _request, reply) => {
      await result
      return reply.send()
    }
  const write: (value: never) => string =
    writers[id] ?? ((value: unknown) => JSON.stringify(schema.parse(value)))
  return (result, _request, reply) =>
    (result as Promise<unknown>).then((value) => {
      reply.header('content-type', 'application/json')
      return write(value as never)
    })
}

/** Answers that are written by hand, which also holds to the fields that are declared. */
const writers: Partial<Record<OperationId, (value: never) => string>> = {
  issueUrl: (issued: IssuedUrl) => `{${issuedUrlFields(issued)}}`,
}

/** The same for each line; only lines that the use case has written out itself (strings) pass as they are. */
function lineAnswer({ reply: schema }: Operation): Answer {
  return (result, request, reply) =>
    sendLines(reply, result as AsyncIterable<unknown>, {
      toLine: (value) => JSON.stringify(schema ? schema.parse(value) : value),
      toErrorLine: (error) => {
        const { problem, unexpected } = refusalOf(error, request.id)
        logRefusal(error, loggedRequest(request), problem, unexpected)
        return JSON.stringify({ error: problem })
      },
    })
}

function callerOf(request: FastifyRequest): Caller {
  if (request.caller === null)
    throw new SignpostError('unauthenticated', 'Send an API key: Authorization: Bearer sp_...')
  return request.caller
}

/** `{name}` -> `:name`, `{name*}` -> the rest of the path. */
function routePath(path: string): string {
  return path.replaceAll(/\{\w+\*\}/g, '*').replaceAll(/\{(\w+)\}/g, ':$1')
}

function paramsOf(params: Record<string, string>, operation: Operation): Record<string, string> {
  const rest = params['*']
  if (rest === undefined) return params
  const name = /\{(\w+)\*\}/.exec(operation.path)?.[1] ?? '*'
  const { '*': _, ...others } = params
  return { ...others, [name]: rest }
}

/** Which methods an address takes; empty: there is no such address. */
export function methodsAt(path: string): string[] {
  return operationList
    .filter(([, operation]) => patternOf(operation.path).test(path))
    .map(([, operation]) => operation.method)
}

const patternOf = (path: string) =>
  new RegExp(`^${path.replaceAll(/\{\w+\*\}/g, '.+').replaceAll(/\{\w+\}/g, '[^/]+')}$`)

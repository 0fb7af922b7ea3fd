import { z } from 'zod'
import { errorCatalogue, type ErrorCode } from './errors.ts'
import { commonErrors, type Operation } from './operation.ts'
import { operations } from './operations.ts'
import { Problem } from './schemas/common.ts'

type Json = Record<string, unknown>

/** JSON Schema of a Zod schema, without the `$schema` line that OpenAPI does not want in each place. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json
  return rest
}

function parametersOf(operation: Operation): Json[] {
  const of = (schema: z.ZodObject | undefined, place: 'path' | 'query') =>
    Object.entries(schema?.shape ?? {}).map(([name, field]) => ({
      name,
      in: place,
      required: place === 'path' || !(field as z.ZodType).safeParse(undefined).success,
      schema: jsonSchema(field as z.ZodType, 'input'),
    }))
  const idempotency = operation.idempotent
    ? [
        {
          name: 'Idempotency-Key',
          in: 'header',
          required: false,
          schema: { type: 'string', maxLength: 255 },
          description:
            'Repeat a call safely: the same key and body give the first answer again, for 24 hours',
        },
      ]
    : []
  return [...of(operation.params, 'path'), ...of(operation.query, 'query'), ...idempotency]
}

function responsesOf(operation: Operation): Json {
  const type = operation.stream ? 'application/x-ndjson' : 'application/json'
  const responses: Json = {
    [operation.status]: {
      description: operation.stream ? 'One JSON document a line' : 'Success',
      ...(operation.reply ? { content: { [type]: { schema: jsonSchema(operation.reply, 'output') } } } : {}),
    },
  }
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of [...commonErrors, ...operation.errors]) {
    const { status } = errorCatalogue[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  for (const [status, codes] of byStatus) {
    responses[status] = {
      description: codes.map((code) => `\`${code}\`: ${errorCatalogue[code].title}`).join('; '),
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    }
  }
  return responses
}

/** The OpenAPI 3.1 document of the whole API. */
export function openApiDocument(version: string): Json {
  const paths: Record<string, Json> = {}
  for (const [operationId, operation] of Object.entries(operations) as [string, Operation][]) {
    const path = operation.path.replace('*}', '}')
    paths[path] = {
      ...paths[path],
      [operation.method.toLowerCase()]: {
        operationId,
        tags: [operation.tag],
        summary: operation.summary,
        parameters: parametersOf(operation),
        ...(operation.body
          ? {
              requestBody: {
                required: true,
                content: { 'application/json': { schema: jsonSchema(operation.body, 'input') } },
              },
            }
          : {}),
        responses: responsesOf(operation),
      },
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Signpost', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key: `Authorization: Bearer sp_...`' },
      },
      schemas: { Problem: jsonSchema(Problem, 'output') },
    },
  }
}

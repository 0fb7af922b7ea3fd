import { z } from 'zod'
import { errorCatalogue, type ErrorCode } from './errors.ts'
import { commonErrors, type Operation } from './operation.ts'
import { operations } from './operations.ts'
import { rawOperations, type RawOperation } from './raw-operations.ts'
import { Problem } from './schemas/common.ts'
import { UrlBatchItem, UrlRequest } from './schemas/objects.ts'

type Json = Record<string, unknown>

/** In the order in which the operations stand. */
const tags = {
  Me: 'Whose key this is.',
  URLs: 'The main job: pre-signed URLs to read and write objects. The bytes go straight between client and bucket.',
  Uploads: 'Large objects in parts, which can be resumed.',
  Objects: "What is in a team's part of its bucket.",
  Teams: 'A team is who shares a part of a bucket: its members, its connector and its prefix.',
  Users: 'People.',
  'Service accounts': 'Programs.',
  'API keys': 'What a user or a service account proves itself with.',
  Connectors: 'Buckets, and the credentials that URLs are signed with.',
  Audit:
    "Who was given what, and who was refused: hash chains that can be verified, and the way back from a bucket's log.",
  Roles: 'Sets of permissions, in a team or in the organisation',
  'Restricted prefixes': 'Prefixes of a team that only some of it may reach',
  Access: 'Who may do what, why, and who never did',
  'Access logs': "What the buckets' own logs tell, where they come from, and what was made of it",
  Findings: 'Accesses that want a look, explained',
  People: 'What is known of a person, and erasing it',
  Restrictions: 'What a user, team, prefix or network may not do for a while, and budgets',
  'Share links': 'Links that read an object in the name of who made them',
  Revocations: 'Taking back what was issued, as far as a bucket allows',
  Identity: 'Identity providers, trust in the tokens of platforms, and sessions',
}

/** JSON Schema of a Zod schema, without the `$schema` line that OpenAPI does not want in each place. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    // The server checks items one by one; to the reader each is what a single call takes.
    override: ({ zodSchema, jsonSchema: made }) => {
      if (zodSchema === (UrlBatchItem as unknown)) Object.assign(made, jsonSchema(UrlRequest, io))
    },
  }) as Json
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

function rawBodyOf({ contentType, description }: RawOperation['raw']): Json {
  return {
    required: true,
    description,
    content: { [contentType]: { schema: { type: 'string', format: 'binary' } } },
  }
}

function requestBodyOf({ example }: Operation, body: z.ZodType): Json {
  const schema = jsonSchema(body, 'input')
  return {
    required: true,
    content: { 'application/json': { schema, ...(example ? { example: example.request } : {}) } },
  }
}

function responsesOf(operation: Operation): Json {
  const type = operation.stream ? 'application/x-ndjson' : 'application/json'
  const responses: Json = {
    [operation.status]: {
      description: operation.stream ? 'One JSON document a line' : 'Success',
      ...(operation.reply
        ? {
            content: {
              [type]: {
                schema: jsonSchema(operation.reply, 'output'),
                ...(operation.example ? { example: operation.example.reply } : {}),
              },
            },
          }
        : {}),
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
  const all = { ...operations, ...rawOperations }
  for (const [operationId, operation] of Object.entries(all) as [
    string,
    Operation & Partial<RawOperation>,
  ][]) {
    const path = operation.path.replace('*}', '}')
    paths[path] = {
      ...paths[path],
      [operation.method.toLowerCase()]: {
        operationId,
        tags: [operation.tag],
        summary: operation.summary,
        ...(operation.description === undefined ? {} : { description: operation.description }),
        parameters: parametersOf(operation),
        ...(operation.body ? { requestBody: requestBodyOf(operation, operation.body) } : {}),
        ...(operation.raw ? { requestBody: rawBodyOf(operation.raw) } : {}),
        ...(operation.security ? { security: [{ [operation.security]: [] }] } : {}),
        responses: responsesOf(operation),
      },
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Signpost', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/', description: 'The server that answered with this document' }],
    security: [{ bearer: [] }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key: `Authorization: Bearer sp_...`' },
        logSource: { type: 'http', scheme: 'bearer', description: 'The token of one log source, `sd_...`' },
      },
      schemas: { Problem: jsonSchema(Problem, 'output') },
    },
  }
}

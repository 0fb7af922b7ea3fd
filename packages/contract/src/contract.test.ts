import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCatalogue, SignpostError } from './errors.ts'
import { openApiDocument } from './openapi.ts'
import { rawOperations } from './raw-operations.ts'
import type { Operation } from './operation.ts'
import { operations } from './operations.ts'
import { Username } from './schemas/common.ts'
import { CreateConnector } from './schemas/create-connector.ts'
import { CreateApiKey } from './schemas/access.ts'
import { IssuedUrl, OpenUpload, Upload, UrlRequest } from './schemas/objects.ts'

const all = Object.entries(operations) as [string, Operation][]

test('every operation has a method and path of its own', () => {
  const places = all.map(([, operation]) => `${operation.method} ${operation.path}`)
  assert.equal(new Set(places).size, places.length)
})

test('every path parameter is declared, and every declared one stands in the path', () => {
  for (const [id, operation] of all) {
    const inPath = [...operation.path.matchAll(/\{(\w+)\*?\}/g)].map((match) => match[1] ?? '')
    assert.deepEqual(Object.keys(operation.params?.shape ?? {}).toSorted(), inPath.toSorted(), id)
  }
})

test('an operation without a reply answers 204, and only creating calls take an idempotency key', () => {
  for (const [id, operation] of all) {
    assert.equal(operation.reply === undefined, operation.status === 204, id)
    if (operation.idempotent) assert.equal(operation.status, 201, id)
  }
})

test('the OpenAPI document has each operation with its errors', () => {
  const document = openApiDocument('1.2.3') as {
    openapi: string
    paths: Record<string, Record<string, { operationId: string; responses: object }>>
  }
  assert.equal(document.openapi, '3.1.0')
  const ids = Object.values(document.paths).flatMap((path) =>
    Object.values(path).map((operation) => operation.operationId),
  )
  assert.deepEqual(ids.toSorted(), [...Object.keys(operations), ...Object.keys(rawOperations)].toSorted())
  assert.ok('503' in document.paths['/v1/teams/{team}/urls']!['post']!.responses)
})

test('the OpenAPI document has what takes logs as they are, with its body and its own proof', () => {
  interface Raw {
    requestBody: { content: Record<string, { schema: { format: string } }> }
    parameters: { name: string; in: string }[]
    responses: Record<string, { content: Record<string, { schema: { properties: object } }> }>
    security?: object[]
  }
  const { paths, components } = openApiDocument('1.2.3') as {
    paths: Record<string, Record<string, Raw>>
    components: { securitySchemes: object }
  }
  const ingest = paths['/v1/access-logs']!['post']!
  assert.equal(ingest.requestBody.content['application/octet-stream']!.schema.format, 'binary')
  assert.deepEqual(
    ingest.parameters.map(({ name }) => name),
    ['source', 'format', 'name', 'connector'],
  )
  assert.ok('unparsed' in ingest.responses['200']!.content['application/json']!.schema.properties)
  assert.equal('security' in ingest, false)
  const deliver = paths['/v1/log-sources/{name}/deliveries']!['post']!
  assert.deepEqual(deliver.security, [{ logSource: [] }])
  assert.ok('logSource' in components.securitySchemes)
  assert.deepEqual(
    deliver.parameters.map(({ name, in: place }) => [name, place]),
    [
      ['name', 'path'],
      ['token', 'query'],
    ],
  )
  // Nobody would send it as JSON of ours.
  for (const id of Object.keys(rawOperations)) assert.equal(id in operations, false)
})

test('the OpenAPI document says who may do what, of which kind an operation is, and what the fields mean', () => {
  const document = openApiDocument('1.2.3') as {
    servers: { url: string }[]
    tags: { name: string; description: string }[]
    paths: Record<string, Record<string, { tags: string[]; description?: string }>>
  }
  assert.deepEqual(
    document.servers.map(({ url }) => url),
    ['/'],
  )
  const described = Object.values(document.paths).flatMap((path) => Object.values(path))
  assert.deepEqual(
    document.tags.map(({ name }) => name),
    [...new Set(all.map(([, { tag }]) => tag))],
  )
  assert.ok(described.every(({ description }) => description !== undefined))
  const bodyOf = (path: string) => {
    const { requestBody } = document.paths[path]!['post'] as unknown as {
      requestBody: {
        content: Record<string, { schema: { properties: Record<string, { items?: unknown }> } }>
      }
    }
    return requestBody.content['application/json']!.schema
  }
  const one = bodyOf('/v1/teams/{team}/urls')
  assert.deepEqual(bodyOf('/v1/teams/{team}/urls/batch').properties['items']!.items, one)
  const silent = [UrlRequest, IssuedUrl, OpenUpload, Upload, CreateApiKey].flatMap(({ shape }) =>
    Object.entries(shape)
      .filter(([name, field]) => name !== 'team' && field.description === undefined)
      .map(([name]) => name),
  )
  assert.deepEqual(silent, [])
})

test('the examples are such as the server would take and answer', () => {
  const examples = all.flatMap(([, { body, reply, example }]) => (example ? [{ body, reply, example }] : []))
  assert.ok(examples.length > 0)
  for (const { body, reply, example } of examples) {
    body?.parse(example.request)
    assert.deepEqual(reply?.parse(example.reply), example.reply)
  }
})

test('an error knows its status, and its message is what was said in public', () => {
  const error = new SignpostError('not_found', 'No such team.', { field: 'team', cause: new Error('inside') })
  assert.equal(error.status, 404)
  assert.equal(error.message, 'No such team.')
  for (const { status } of Object.values(errorCatalogue)) assert.ok(status >= 400 && status < 600)
})

test('a request for a URL refuses fields that it does not know, wrong types and negative sizes', () => {
  const request = { action: 'write', key: 'a' }
  assert.ok(UrlRequest.safeParse(request).success)
  for (const bad of [
    { expires: 5 },
    { contentLength: -1 },
    { contentLength: '5' },
    { expiresInSeconds: 0 },
    { action: 'delete' },
    { contentType: 'text/plain\r\nx: y' },
  ]) {
    assert.equal(UrlRequest.safeParse({ ...request, ...bad }).success, false, JSON.stringify(bad))
  }
})

test('usernames take what identity providers give, but no control characters', () => {
  for (const good of ['alice', 'Zoë Müller', "o'brien+x@example.com", '李雷', 'a/b%c=d&e'])
    assert.ok(Username.safeParse(good).success, good)
  for (const bad of ['', 'a\nb', ' a', 'a\u0000', '\ud800', 'x'.repeat(129)])
    assert.equal(Username.safeParse(bad).success, false)
})

test('an endpoint is scheme, host and port, never with a credential in it', () => {
  const settings = {
    kind: 's3',
    name: 'x',
    bucket: 'b',
    region: 'r',
    credential: { type: 'static', accessKeyId: 'k', secretAccessKey: 's' },
  }
  assert.ok(
    CreateConnector.safeParse({ settings: { ...settings, endpoint: 'http://127.0.0.1:9000' } }).success,
  )
  for (const endpoint of [
    'ftp://x',
    'https://key:secret@host',
    'https://host/path',
    'https://host?x=1',
    'host:9000',
  ]) {
    assert.equal(CreateConnector.safeParse({ settings: { ...settings, endpoint } }).success, false, endpoint)
  }
})

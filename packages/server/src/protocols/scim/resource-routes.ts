/** The routes of users and groups (RFC 7644 §3). */
import { SignpostError } from '@signpost/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Resource, ResourceSchema } from './attributes.ts'
import { enter, type ScimContext } from './context.ts'
import { invalid, ScimError } from './errors.ts'
import { groups } from './groups.ts'
import type { Entry, Kind, Reading } from './kind.ts'
import { readListQuery, readSelection, searchUrn } from './list-query.ts'
import { listResources } from './list.ts'
import { readOperations } from './patch-operations.ts'
import { applyPatch } from './patch.ts'
import { objectOf, readResource } from './read-value.ts'
import { replaced, requireAll } from './replace.ts'
import { select } from './select.ts'
import { sendScim } from './send.ts'
import { users } from './users.ts'
import { isUnchanged, requireMatch } from './version.ts'

/** Somebody else may be faster so many times. */
const attemptsMax = 10

export function addResources(scope: FastifyInstance, context: ScimContext): void {
  addLists(scope, context, '', [users, groups])
  addKind(scope, context, users)
  addKind(scope, context, groups)
  const without = (path: string, sentence: string) =>
    scope.all(path, { config: { operation: 'scim.unsupported' } }, async (request) => {
      await enter(context, request, 'scim.read')
      throw new ScimError(501, sentence)
    })
  without('/Me', 'There is no /Me here: an API key that keeps users is no user. Ask for /Users/{id}.')
  without('/Bulk', 'Bulk operations are not supported: send each by itself.')
}

function addKind<Source>(scope: FastifyInstance, context: ScimContext, kind: Kind<Source>): void {
  const { schema, events } = kind
  const { endpoint } = schema
  const operation = (what: string) => ({ config: { operation: `scim.${what}${schema.name}` } })
  addLists(scope, context, endpoint, [kind])
  scope.post(endpoint, operation('create'), async (request, reply) => {
    const reading = await enter(context, request, events.create)
    const given = readResource(schema, request.body)
    requireAll(schema, given)
    const id = await unlessFaster(() => kind.create(reading, given))
    const entry = await find(kind, reading, id)
    const { location } = entry.resource['meta'] as { location: string }
    return sendEntry(kind, entry, request, reply.code(201).header('location', location))
  })
  const one = `${endpoint}/:id`
  scope.get(one, operation('get'), async (request, reply) => {
    const entry = await find(kind, await enter(context, request, 'scim.read'), idOf(request))
    if (!isUnchanged(request.headers['if-none-match'], entry.version))
      return sendEntry(kind, entry, request, reply)
    return reply.code(304).header('etag', entry.version).send()
  })
  const change = async (
    request: FastifyRequest,
    reply: FastifyReply,
    nextOf: (before: Resource) => Resource,
    reading: Reading,
  ) => {
    await changeEntry(kind, reading, request, (entry) => kind.update(reading, entry, nextOf(entry.resource)))
    return sendEntry(kind, await find(kind, reading, idOf(request)), request, reply)
  }
  scope.put(one, operation('replace'), async (request, reply) => {
    const reading = await enter(context, request, events.update)
    const given = readResource(schema, request.body)
    return change(request, reply, (before) => replaced(schema, before, given), reading)
  })
  scope.patch(one, operation('patch'), async (request, reply) => {
    const reading = await enter(context, request, events.update)
    const operations = readOperations(request.body)
    return change(request, reply, (before) => applyPatch(schema, before, operations), reading)
  })
  scope.delete(one, operation('delete'), async (request, reply) => {
    const reading = await enter(context, request, events.delete)
    await changeEntry(kind, reading, request, (entry) => kind.remove(reading, entry))
    return reply.code(204).send()
  })
}

/** Lists, by the address or by a body (RFC 7644 §3.4.2 and §3.4.3). */
function addLists(
  scope: FastifyInstance,
  context: ScimContext,
  endpoint: string,
  kinds: readonly Kind<unknown>[],
): void {
  const operation = { config: { operation: 'scim.list' } }
  scope.get(endpoint === '' ? '/' : endpoint, operation, async (request, reply) => {
    const reading = await enter(context, request, 'scim.read')
    return sendScim(
      reply,
      await listResources(kinds, reading, readListQuery(request.query as object as Resource)),
    )
  })
  scope.post(`${endpoint}/.search`, operation, async (request, reply) => {
    const reading = await enter(context, request, 'scim.read')
    const body = objectOf(request.body, 'body')
    if (!(body['schemas'] as unknown[] | undefined)?.includes?.(searchUrn))
      throw invalid('invalidSyntax', `schemas: must be a list that holds ${searchUrn}.`)
    return sendScim(reply, await listResources(kinds, reading, readListQuery(body)))
  })
}

/** Reads, and changes what was read, unless the client named another version (412). */
function changeEntry<Source>(
  kind: Kind<Source>,
  reading: Reading,
  request: FastifyRequest,
  change: (entry: Entry<Source>) => Promise<unknown>,
): Promise<void> {
  return unlessFaster(async () => {
    const entry = await find(kind, reading, idOf(request))
    requireMatch(request.headers['if-match'], entry.version)
    await change(entry)
  })
}

/** Once more where somebody else was faster: then it works on what they have left, or says what is in the way. */
async function unlessFaster<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const isRace = error instanceof SignpostError && error.code === 'conflict' && error.field === undefined
      if (!isRace || attempt === attemptsMax) throw error
    }
  }
}

async function find<Source>(kind: Kind<Source>, reading: Reading, id: string): Promise<Entry<Source>> {
  const [entry] = await kind.byIds(reading, [id])
  if (!entry) throw new ScimError(404, `There is no ${kind.schema.name} of this id.`)
  return entry
}

const idOf = (request: FastifyRequest) => (request.params as { id: string }).id

function sendEntry(
  { schema }: { schema: ResourceSchema },
  { resource, version }: Entry,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { attributes, excludedAttributes } = request.query as Record<string, unknown>
  const selection = readSelection(attributes, excludedAttributes)
  if (version !== undefined) reply.header('etag', version)
  return sendScim(reply, select(schema, resource, selection))
}

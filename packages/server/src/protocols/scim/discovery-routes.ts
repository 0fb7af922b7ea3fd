import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Resource } from './attributes.ts'
import { enter, type ScimContext } from './context.ts'
import { resourceType, schemaDocuments, serviceProviderConfig } from './discovery.ts'
import { ScimError } from './errors.ts'
import { groupSchema, userSchema } from './schemas.ts'
import { sendScim } from './send.ts'

const schemas = [userSchema, groupSchema]
const listUrn = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'
const operation = 'scim.discovery'

export function addDiscovery(scope: FastifyInstance, context: ScimContext): void {
  const types = (base: string) => schemas.map((schema) => resourceType(base, schema))
  const documents = (base: string) => schemas.flatMap((schema) => schemaDocuments(base, schema))
  scope.get('/ServiceProviderConfig', { config: { operation } }, async (request, reply) => {
    const { base } = await enter(context, request, 'scim.read')
    return sendScim(reply, serviceProviderConfig(base))
  })
  for (const [path, all] of [
    ['/ResourceTypes', types],
    ['/Schemas', documents],
  ] as const) {
    scope.get(path, { config: { operation } }, async (request, reply) => {
      const { base } = await enter(context, request, 'scim.read')
      refuseFilter(request)
      return sendScim(reply, listOf(all(base)))
    })
    scope.get(`${path}/:id`, { config: { operation } }, async (request, reply) => {
      const { base } = await enter(context, request, 'scim.read')
      const { id } = request.params as { id: string }
      const found = all(base).find((one) => one.id === id)
      if (!found) throw new ScimError(404, 'There is none of this id.')
      return sendScim(reply, found)
    })
  }
}

/** RFC 7644 §4: these are not searched. */
function refuseFilter(request: FastifyRequest): void {
  if ('filter' in (request.query as object)) throw new ScimError(403, 'filter: these are not searched.')
}

function listOf(all: readonly Resource[]): Resource {
  return {
    schemas: [listUrn],
    totalResults: all.length,
    startIndex: 1,
    itemsPerPage: all.length,
    Resources: all,
  }
}

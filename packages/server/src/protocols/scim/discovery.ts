/** What a client may ask about this server itself (RFC 7644 §4, RFC 7643 §5 to §7). */
import type { Attribute, Resource, ResourceSchema } from './attributes.ts'
import { countMax } from './list-query.ts'

const configUrn = 'urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'
const typeUrn = 'urn:ietf:params:scim:schemas:core:2.0:ResourceType'
const schemaUrn = 'urn:ietf:params:scim:schemas:core:2.0:Schema'

export function serviceProviderConfig(base: string): Resource {
  return {
    schemas: [configUrn],
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: countMax },
    changePassword: { supported: false },
    sort: { supported: true },
    etag: { supported: true },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Bearer token',
        description: 'An API key with the rights users.manage and teams.manage',
        specUri: 'https://www.rfc-editor.org/rfc/rfc6750',
        primary: true,
      },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
  }
}

export function resourceType(base: string, schema: ResourceSchema): Resource & { id: string } {
  return {
    schemas: [typeUrn],
    id: schema.name,
    name: schema.name,
    endpoint: schema.endpoint,
    description: schema.description,
    schema: schema.urn,
    schemaExtensions: schema.extensions.map(({ name }) => ({ schema: name, required: false })),
    meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${schema.name}` },
  }
}

/** The schema itself, and those of its extensions. */
export function schemaDocuments(base: string, schema: ResourceSchema): (Resource & { id: string })[] {
  const own = {
    id: schema.urn,
    name: schema.name,
    description: schema.description,
    attributes: schema.attributes,
  }
  const extensions = schema.extensions.map(({ name, description, subAttributes = [] }) => ({
    id: name,
    name: name.slice(name.lastIndexOf(':') + 1),
    description,
    attributes: subAttributes,
  }))
  return [own, ...extensions].map(({ id, name, description, attributes }) => ({
    schemas: [schemaUrn],
    id,
    name,
    description,
    attributes: attributes.map(shownAttribute),
    meta: { resourceType: 'Schema', location: `${base}/Schemas/${id}` },
  }))
}

/** RFC 7643 §7: all characteristics are written out. */
function shownAttribute(attribute: Attribute): Resource {
  const { name, type, description, canonicalValues, referenceTypes, subAttributes } = attribute
  return {
    name,
    type,
    ...(subAttributes ? { subAttributes: subAttributes.map(shownAttribute) } : {}),
    multiValued: attribute.multiValued ?? false,
    description,
    required: attribute.required ?? false,
    ...(canonicalValues ? { canonicalValues } : {}),
    caseExact: attribute.caseExact ?? false,
    mutability: attribute.mutability ?? 'readWrite',
    returned: attribute.returned ?? 'default',
    uniqueness: attribute.uniqueness ?? 'none',
    ...(referenceTypes ? { referenceTypes } : {}),
  }
}

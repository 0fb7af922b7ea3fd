/** What resources are made of (RFC 7643 §2 and §7), as data: reading, filtering, changing and showing all go by it. */

export interface Attribute {
  name: string
  type: 'string' | 'boolean' | 'dateTime' | 'reference' | 'complex'
  description: string
  multiValued?: boolean
  required?: boolean
  caseExact?: boolean
  /** `readWrite` unless told. */
  mutability?: 'readOnly' | 'readWrite' | 'immutable'
  /** `default` unless told. */
  returned?: 'always' | 'default'
  /** `none` unless told. */
  uniqueness?: 'none' | 'server'
  canonicalValues?: readonly string[]
  referenceTypes?: readonly string[]
  subAttributes?: readonly Attribute[]
  /** Characters of a text, or values of a list, at most. */
  max?: number
  /** Its values are told apart by `value` alone, not by `type` too. */
  distinctByValue?: boolean
  /** A PUT that does not speak of it leaves it as it is; of all else it takes away what it leaves out (RFC 7644 §3.5.1). */
  keptByPut?: boolean
}

export interface ResourceSchema {
  urn: string
  name: 'User' | 'Group'
  description: string
  endpoint: string
  attributes: readonly Attribute[]
  /** Extensions are complex attributes that have their URN for a name (RFC 7643 §3.3). */
  extensions: readonly Attribute[]
  /** What clients know from RFC 7643 and send, and nobody keeps here; lower case. */
  unkept: ReadonlySet<string>
  /** Other names of attributes, lower case: taken, and never answered. */
  aliases?: ReadonlyMap<string, string>
}

/** Values by attribute names in their canonical case; nothing else is ever a property. */
export type Resource = Record<string, unknown>

export interface AttributePath {
  attribute: Attribute
  sub: Attribute | undefined
}

const text = (name: string, description: string, more: Partial<Attribute> = {}): Attribute => ({
  name,
  type: 'string',
  description,
  ...more,
})

/** RFC 7643 §3.1: every resource has them, and no schema lists them. */
const commonAttributes: readonly Attribute[] = [
  {
    name: 'schemas',
    type: 'reference',
    description: 'URNs',
    multiValued: true,
    caseExact: true,
    mutability: 'readOnly',
    returned: 'always',
  },
  text('id', 'Stays the same', {
    caseExact: true,
    mutability: 'readOnly',
    returned: 'always',
    uniqueness: 'server',
  }),
  text('externalId', "The client's own id", { caseExact: true, max: 256 }),
  {
    name: 'meta',
    type: 'complex',
    description: 'About the resource',
    mutability: 'readOnly',
    subAttributes: [
      text('resourceType', 'User or Group', { caseExact: true, mutability: 'readOnly' }),
      { name: 'created', type: 'dateTime', description: 'When it was made', mutability: 'readOnly' },
      {
        name: 'lastModified',
        type: 'dateTime',
        description: 'When it was last changed',
        mutability: 'readOnly',
      },
      {
        name: 'location',
        type: 'reference',
        description: 'Its address',
        caseExact: true,
        mutability: 'readOnly',
      },
      text('version', 'Its entity tag', { caseExact: true, mutability: 'readOnly' }),
    ],
  },
]

export function attributesOf(schema: ResourceSchema): readonly Attribute[] {
  return [...commonAttributes, ...schema.attributes, ...schema.extensions]
}

/** An attribute of a resource, by its name or an alias. */
export function topAttribute(schema: ResourceSchema, name: string): Attribute | undefined {
  return attributeNamed(attributesOf(schema), schema.aliases?.get(name.toLowerCase()) ?? name)
}

/** Names are told apart without regard to case (RFC 7643 §2.1). */
export function attributeNamed(attributes: readonly Attribute[], name: string): Attribute | undefined {
  const wanted = name.toLowerCase()
  return attributes.find((attribute) => attribute.name.toLowerCase() === wanted)
}

/**
 * `attr`, `attr.sub`, either with the schema's URN before it, or the URN of an extension alone or with one of its
 * attributes (RFC 7644 §3.10). `unkept`: it is known, and nothing is kept of it. Undefined: there is no such attribute.
 */
export function resolvePath(schema: ResourceSchema, path: string): AttributePath | 'unkept' | undefined {
  const lower = path.toLowerCase()
  for (const extension of schema.extensions) {
    const urn = extension.name.toLowerCase()
    if (lower === urn) return { attribute: extension, sub: undefined }
    if (!lower.startsWith(`${urn}:`)) continue
    const sub = attributeNamed(extension.subAttributes ?? [], path.slice(urn.length + 1))
    return sub && { attribute: extension, sub }
  }
  const own = `${schema.urn.toLowerCase()}:`
  const rest = lower.startsWith(own) ? path.slice(own.length) : path
  const urn = [...schema.unkept].find((one) => one.startsWith('urn:') && rest.toLowerCase().startsWith(one))
  if (urn !== undefined) return 'unkept'
  const [name = '', subName, ...more] = rest.split('.')
  if (more.length > 0) return undefined
  const attribute = topAttribute(schema, name)
  if (!attribute) return schema.unkept.has(name.toLowerCase()) ? 'unkept' : undefined
  if (subName === undefined) return { attribute, sub: undefined }
  const sub = attributeNamed(attribute.subAttributes ?? [], subName)
  return sub && { attribute, sub }
}

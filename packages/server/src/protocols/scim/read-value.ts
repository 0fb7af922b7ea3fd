/** From what a client sends to values as the schema has them: known attributes only, of the right type, in canonical names. */
import {
  attributeNamed,
  topAttribute,
  type Attribute,
  type Resource,
  type ResourceSchema,
} from './attributes.ts'
import { invalid } from './errors.ts'

const textMax = 1024
const valuesMax = 10_000

/** A body of POST or PUT (RFC 7644 §3.3, §3.5.1). What is read-only or not known is left out; null and [] are nothing (RFC 7643 §2.5). */
export function readResource(schema: ResourceSchema, body: unknown): Resource {
  const resource: Resource = {}
  const given = objectOf(body, 'body')
  requireSchema(schema, given)
  for (const [name, value] of Object.entries(given)) {
    const own = name.toLowerCase().startsWith(`${schema.urn.toLowerCase()}:`)
    const attribute = topAttribute(schema, own ? name.slice(schema.urn.length + 1) : name)
    if (attribute === undefined || attribute.mutability === 'readOnly') continue
    const read = readValue(attribute, value)
    if (read !== undefined) resource[attribute.name] = read
    // Said to be none, which is another thing than not said.
    else if (attribute.multiValued === true) resource[attribute.name] = []
  }
  return resource
}

/** RFC 7643 §3: `schemas` names the resource's own, and extensions may be beside it. */
function requireSchema(schema: ResourceSchema, given: Record<string, unknown>): void {
  const key = Object.keys(given).find((name) => name.toLowerCase() === 'schemas')
  const urns = key === undefined ? undefined : given[key]
  const wanted = schema.urn.toLowerCase()
  if (Array.isArray(urns) && urns.some((urn) => String(urn).toLowerCase() === wanted)) return
  throw invalid('invalidSyntax', `schemas: must be a list that holds ${schema.urn}.`)
}

/** Undefined: nothing, which takes away what is there. `path`: how errors name it. */
export function readValue(attribute: Attribute, value: unknown, path = attribute.name): unknown {
  if (value === null || value === undefined) return undefined
  if (attribute.multiValued !== true) return readSingle(attribute, value, path)
  // One value that is no list is taken for a list of it.
  const list = Array.isArray(value) ? value : [value]
  const max = attribute.max ?? valuesMax
  if (list.length > max) throw invalid('invalidValue', `${path}: has more than ${max} values.`)
  const read = list.map((one) => readSingle(attribute, one, path)).filter((one) => one !== undefined)
  requireOnePrimary(attribute, read, path)
  return read.length === 0 ? undefined : read
}

/** RFC 7643 §2.4: `primary` is true of one value at most. */
function requireOnePrimary(attribute: Attribute, values: readonly unknown[], path: string): void {
  if (attribute.type !== 'complex') return
  if (values.filter((value) => (value as Resource)['primary'] === true).length > 1)
    throw invalid('invalidValue', `${path}: only one value may be primary.`)
}

function readSingle(attribute: Attribute, value: unknown, path: string): unknown {
  if (attribute.type === 'complex') return readComplex(attribute, value, path)
  if (attribute.type === 'boolean') return readBoolean(value, path)
  return readText(attribute, value, path)
}

function readComplex(attribute: Attribute, value: unknown, path: string): Resource | undefined {
  const subs = attribute.subAttributes ?? []
  // A bare text stands for its `value`, where it has one.
  const given = typeof value === 'string' && attributeNamed(subs, 'value') ? { value } : objectOf(value, path)
  const read: Resource = {}
  for (const [name, one] of Object.entries(given)) {
    const sub = attributeNamed(subs, name)
    if (sub === undefined || sub.mutability === 'readOnly') continue
    const subValue = readValue(sub, one, `${path}.${sub.name}`)
    if (subValue !== undefined) read[sub.name] = subValue
  }
  for (const { name, required } of subs) {
    if (required === true && read[name] === undefined)
      throw invalid('invalidValue', `${path}.${name}: is required.`)
  }
  return Object.keys(read).length === 0 ? undefined : read
}

/** Entra sends "False". */
function readBoolean(value: unknown, path: string): boolean {
  const text = typeof value === 'string' ? value.toLowerCase() : value
  if (text === true || text === 'true') return true
  if (text === false || text === 'false') return false
  throw invalid('invalidValue', `${path}: must be true or false.`)
}

function readText({ max = textMax }: Attribute, value: unknown, path: string): string | undefined {
  if (typeof value !== 'string') throw invalid('invalidValue', `${path}: must be a string.`)
  if (value.length > max) throw invalid('invalidValue', `${path}: is longer than ${max} characters.`)
  if (!value.isWellFormed() || /\p{Cc}/u.test(value))
    throw invalid('invalidValue', `${path}: must not hold control characters.`)
  return value === '' ? undefined : value
}

export function objectOf(value: unknown, path: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw invalid('invalidSyntax', `${path}: must be an object.`)
}

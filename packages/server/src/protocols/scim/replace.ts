/** PUT (RFC 7644 §3.5.1): what a resource is to be, of what it is and what was sent. */
import { attributesOf, type Attribute, type Resource, type ResourceSchema } from './attributes.ts'
import { invalid } from './errors.ts'

export function replaced(schema: ResourceSchema, before: Resource, given: Resource): Resource {
  requireAll(schema, given)
  return keeping(attributesOf(schema), before, given)
}

/** Also for POST. */
export function requireAll(schema: ResourceSchema, given: Resource): void {
  const missing = schema.attributes.find(
    ({ name, required }) => required === true && given[name] === undefined,
  )
  if (missing) throw invalid('invalidValue', `${missing.name}: is required.`)
}

function keeping(attributes: readonly Attribute[], before: Resource, given: Resource): Resource {
  const next = { ...given }
  for (const { name, keptByPut, subAttributes, multiValued } of attributes) {
    if (keptByPut !== true || before[name] === undefined) continue
    if (next[name] === undefined) next[name] = before[name]
    else if (subAttributes && multiValued !== true)
      next[name] = keeping(subAttributes, before[name] as Resource, next[name] as Resource)
  }
  return next
}

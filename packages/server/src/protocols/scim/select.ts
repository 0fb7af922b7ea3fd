/** `attributes` and `excludedAttributes` (RFC 7644 §3.9): what of a resource is answered. */
import {
  attributesOf,
  resolvePath,
  type AttributePath,
  type Resource,
  type ResourceSchema,
} from './attributes.ts'

export interface Selection {
  /** Only these; undefined: all. */
  only?: readonly string[]
  /** All but these. */
  without?: readonly string[]
}

/** What the client does not want, and what always comes (RFC 7643 §7, `returned`). Unknown names select nothing. */
export function select(schema: ResourceSchema, resource: Resource, { only, without }: Selection): Resource {
  const always = attributesOf(schema).filter(({ returned }) => returned === 'always')
  if (only !== undefined) {
    const selected: Resource = {}
    for (const { name } of always) selected[name] = resource[name]
    for (const path of pathsOf(schema, only)) copy(path, resource, selected)
    return selected
  }
  let rest = resource
  for (const { attribute, sub } of pathsOf(schema, without ?? [])) {
    if (attribute.returned === 'always') continue
    const { [attribute.name]: value, ...others } = rest
    if (value === undefined) continue
    rest = sub === undefined ? others : { ...others, [attribute.name]: withoutPart(value, sub.name) }
  }
  return rest
}

/** Will this attribute be in the answer? Asked before it is read at all. */
export function isSelected(schema: ResourceSchema, name: string, { only, without }: Selection): boolean {
  if (only !== undefined) return pathsOf(schema, only).some(({ attribute }) => attribute.name === name)
  return !pathsOf(schema, without ?? []).some(
    ({ attribute, sub }) => attribute.name === name && sub === undefined,
  )
}

function pathsOf(schema: ResourceSchema, paths: readonly string[]): AttributePath[] {
  return paths
    .map((path) => resolvePath(schema, path))
    .filter((path) => path !== undefined && path !== 'unkept')
}

function copy({ attribute, sub }: AttributePath, from: Resource, to: Resource): void {
  const { name } = attribute
  const value = from[name]
  if (value === undefined) return
  if (sub === undefined) {
    to[name] = value
    return
  }
  const part = (whole: Resource): Resource =>
    whole[sub.name] === undefined ? {} : { [sub.name]: whole[sub.name] }
  const before = to[name]
  // A second part of the same attribute joins the first.
  to[name] = Array.isArray(value)
    ? value.map((one, index) => ({
        ...(before as Resource[] | undefined)?.[index],
        ...part(one as Resource),
      }))
    : { ...(before as Resource | undefined), ...part(value as Resource) }
}

function withoutPart(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return value.map((one) => withoutPart(one, name))
  const { [name]: _, ...parts } = value as Resource
  return parts
}

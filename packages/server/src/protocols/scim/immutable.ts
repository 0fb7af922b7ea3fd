/** What cannot be changed once it is there (RFC 7643 §7, `mutability`). */
import { foldCase } from '../../domain/fold-case.ts'
import type { Attribute, Resource, ResourceSchema } from './attributes.ts'
import { invalid } from './errors.ts'

/** Compares what is to be with what is; lists are compared by whoever changes them. */
export function requireUnchanged(schema: ResourceSchema, before: Resource, after: Resource): void {
  for (const attribute of [...schema.attributes, ...schema.extensions]) {
    if (attribute.multiValued === true) continue
    requireSame(attribute, before[attribute.name], after[attribute.name], attribute.name)
    for (const sub of attribute.subAttributes ?? []) {
      const [was, is] = [before, after].map(
        (one) => (one[attribute.name] as Resource | undefined)?.[sub.name],
      )
      requireSame(sub, was, is, `${attribute.name}:${sub.name}`)
    }
  }
}

function requireSame(
  { mutability, caseExact }: Attribute,
  before: unknown,
  after: unknown,
  path: string,
): void {
  if (mutability !== 'immutable' || before === after) return
  const isSame =
    caseExact !== true &&
    typeof before === 'string' &&
    typeof after === 'string' &&
    foldCase(before) === foldCase(after)
  if (!isSame) throw invalid('mutability', `${path}: cannot be changed.`)
}

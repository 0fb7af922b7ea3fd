/** Which resources a filter takes (RFC 7644 §3.4.2.2), by the types and case rules of their attributes. */
import { foldCase } from '../../domain/fold-case.ts'
import { resolvePath, attributeNamed, type Attribute, type Resource } from './attributes.ts'
import type { ResourceSchema } from './attributes.ts'
import { invalid } from './errors.ts'
import type { Comparison, Filter } from './filter-parse.ts'

export type Test = (resource: Resource) => boolean

/** Finds what a path in a filter speaks of. */
type Finder = (path: string) => Target | 'unkept'

interface Target {
  attribute: Attribute
  valuesIn: (resource: Resource) => unknown[]
}

const never: Test = () => false

/**
 * `amongOthers`: resources of several kinds are searched, and what this kind does not know has no value (§3.4.2.1).
 *
 * @throws ScimError `invalidFilter` for an attribute that there is not, or a comparison that its type does not know
 */
export function compileFilter(schema: ResourceSchema, filter: Filter, amongOthers = false): Test {
  return compile(filter, (path) => {
    const found = resolvePath(schema, path) ?? (amongOthers ? 'unkept' : undefined)
    if (found === undefined) throw unknownAttribute(path)
    if (found === 'unkept') return found
    const { attribute, sub } = found
    const all = (resource: Resource) => listOf(resource[attribute.name])
    if (sub === undefined) return { attribute, valuesIn: all }
    return {
      attribute: sub,
      valuesIn: (resource) => all(resource).flatMap((value) => listOf((value as Resource)[sub.name])),
    }
  })
}

/** For the values of one attribute, in brackets. Of what is no complex value, `value` is itself. */
export function compileValueFilter(attribute: Attribute, filter: Filter): Test {
  return compile(filter, (path) => {
    const sub = attributeNamed(attribute.subAttributes ?? [], path)
    if (sub === undefined) throw unknownAttribute(`${attribute.name}.${path}`)
    return { attribute: sub, valuesIn: (value) => listOf(value[sub.name]) }
  })
}

function compile(filter: Filter, find: Finder): Test {
  switch (filter.op) {
    case 'and': {
      const all = filter.all.map((one) => compile(one, find))
      return (resource) => all.every((test) => test(resource))
    }
    case 'or': {
      const any = filter.all.map((one) => compile(one, find))
      return (resource) => any.some((test) => test(resource))
    }
    case 'not': {
      const test = compile(filter.of, find)
      return (resource) => !test(resource)
    }
    case 'within': {
      const target = find(filter.path)
      if (target === 'unkept') return never
      const test = compileValueFilter(target.attribute, filter.of)
      return (resource) => target.valuesIn(resource).some((value) => test(value as Resource))
    }
    case 'pr': {
      const target = find(filter.path)
      return target === 'unkept' ? never : (resource) => target.valuesIn(resource).some(isPresent)
    }
    case 'eq':
    case 'ne':
    case 'co':
    case 'sw':
    case 'ew':
    case 'gt':
    case 'ge':
    case 'lt':
    case 'le':
      return compileComparison(filter, find)
  }
}

function compileComparison({ op, path, value }: Extract<Filter, { op: Comparison }>, find: Finder): Test {
  const target = simple(find(path), path)
  // What is not there is not equal to anything, and equal to null.
  if (target === 'unkept') return () => (op === 'ne') !== (value === null && (op === 'eq' || op === 'ne'))
  const { attribute, valuesIn } = target
  if (value === null) {
    if (op !== 'eq' && op !== 'ne') throw invalid('invalidFilter', `filter: null goes with eq and ne only.`)
    return (resource) => valuesIn(resource).some(isPresent) === (op === 'ne')
  }
  const fits = comparisonOf(attribute, op, value)
  return (resource) => {
    const values = valuesIn(resource).filter(isPresent)
    return values.length === 0 ? op === 'ne' : values.some(fits)
  }
}

/** A complex attribute is compared by its `value` (`members eq "2819c223"`, as Entra asks). */
function simple(target: Target | 'unkept', path: string): Target | 'unkept' {
  if (target === 'unkept' || target.attribute.type !== 'complex') return target
  const value = attributeNamed(target.attribute.subAttributes ?? [], 'value')
  if (value === undefined) throw invalid('invalidFilter', `filter: ${path}: say which part of it.`)
  return {
    attribute: value,
    valuesIn: (resource) => target.valuesIn(resource).flatMap((one) => listOf((one as Resource)['value'])),
  }
}

function comparisonOf(
  { name, type, caseExact }: Attribute,
  op: Comparison,
  wanted: string | number | boolean,
): (value: unknown) => boolean {
  if (type === 'boolean') {
    // Some clients write "true".
    const text = String(wanted).toLowerCase()
    if (op !== 'eq' && op !== 'ne')
      throw invalid('invalidFilter', `filter: ${name}: ${op} is not for booleans.`)
    if (text !== 'true' && text !== 'false')
      throw invalid('invalidFilter', `filter: ${name}: is compared with true or false.`)
    return (value) => (String(value) === text) === (op === 'eq')
  }
  if (typeof wanted !== 'string')
    throw invalid('invalidFilter', `filter: ${name}: is compared with a text in quotation marks.`)
  if (type === 'dateTime') return instantComparison(name, op, wanted)
  if (caseExact === true) return (value) => textTests[op](String(value), wanted)
  const folded = foldCase(wanted)
  return (value) => textTests[op](foldCase(String(value)), folded)
}

function instantComparison(name: string, op: Comparison, wanted: string): (value: unknown) => boolean {
  // RFC 7643 §2.3.5: an xsd:dateTime.
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(wanted) ? Date.parse(wanted) : Number.NaN
  if (Number.isNaN(at)) throw invalid('invalidFilter', `filter: ${name}: is compared with a date and time.`)
  const test = orderTests[op]
  if (!test) throw invalid('invalidFilter', `filter: ${name}: ${op} is not for dates.`)
  return (value) => test(Date.parse(String(value)), at)
}

const textTests: Record<Comparison, (value: string, wanted: string) => boolean> = {
  eq: (value, wanted) => value === wanted,
  ne: (value, wanted) => value !== wanted,
  co: (value, wanted) => value.includes(wanted),
  sw: (value, wanted) => value.startsWith(wanted),
  ew: (value, wanted) => value.endsWith(wanted),
  gt: (value, wanted) => value > wanted,
  ge: (value, wanted) => value >= wanted,
  lt: (value, wanted) => value < wanted,
  le: (value, wanted) => value <= wanted,
}

const orderTests: Partial<Record<Comparison, (value: number, wanted: number) => boolean>> = {
  eq: (value, wanted) => value === wanted,
  ne: (value, wanted) => value !== wanted,
  gt: (value, wanted) => value > wanted,
  ge: (value, wanted) => value >= wanted,
  lt: (value, wanted) => value < wanted,
  le: (value, wanted) => value <= wanted,
}

function listOf(value: unknown): unknown[] {
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? value : [value]
}

function isPresent(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return false
  return typeof value !== 'object' || Object.values(value).some(isPresent)
}

function unknownAttribute(path: string) {
  return invalid('invalidFilter', `filter: there is no attribute ${path.slice(0, 64)}.`)
}

/**
 * Names of attributes -> what they must be equal to, of all that the filter takes: what an index can look up. The filter
 * is still to be asked.
 */
export function requiredEquals(schema: ResourceSchema, filter: Filter): Map<string, string> {
  const found = new Map<string, string>()
  const look = (one: Filter): void => {
    if (one.op === 'and') one.all.forEach(look)
    if (one.op !== 'eq' || typeof one.value !== 'string') return
    const path = resolvePath(schema, one.path)
    if (path !== undefined && path !== 'unkept' && path.sub === undefined)
      found.set(path.attribute.name, one.value)
  }
  look(filter)
  return found
}

/** Does the filter speak of this attribute? Asked before it is read at all. */
export function mentions(schema: ResourceSchema, filter: Filter, name: string): boolean {
  switch (filter.op) {
    case 'and':
    case 'or':
      return filter.all.some((one) => mentions(schema, one, name))
    case 'not':
      return mentions(schema, filter.of, name)
    case 'within':
    case 'pr':
    case 'eq':
    case 'ne':
    case 'co':
    case 'sw':
    case 'ew':
    case 'gt':
    case 'ge':
    case 'lt':
    case 'le': {
      const path = resolvePath(schema, filter.path)
      return path !== undefined && path !== 'unkept' && path.attribute.name === name
    }
  }
}

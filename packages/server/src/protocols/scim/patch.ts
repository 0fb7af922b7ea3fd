/** PATCH (RFC 7644 §3.5.2): operations on a resource -> what it is to be. Pure. */
import {
  attributeNamed,
  resolvePath,
  type Attribute,
  type AttributePath,
  type Resource,
  type ResourceSchema,
} from './attributes.ts'
import { invalid } from './errors.ts'
import { compileValueFilter, type Test } from './filter-match.ts'
import { parsePatchPath, type Filter } from './filter-parse.ts'
import { gathered, type Operation } from './patch-operations.ts'
import { objectOf, readValue } from './read-value.ts'

interface Target extends AttributePath {
  filter: Filter | undefined
  /** Which of the values. */
  test: Test | undefined
}

/** Operations in a row, each on what the one before has left; the resource itself is not changed. */
export function applyPatch(
  schema: ResourceSchema,
  resource: Resource,
  operations: readonly Operation[],
): Resource {
  let changed = resource
  for (const { op, path, value } of gathered(operations)) {
    if (path === undefined) changed = applyWithoutPath(schema, changed, op, value)
    else changed = applyAt(schema, changed, { op, path, value })
  }
  return changed
}

/** The value is a resource in parts; Entra writes paths for its names. What is read-only in it is passed over, as Okta sends ids along. */
function applyWithoutPath(
  schema: ResourceSchema,
  resource: Resource,
  op: Operation['op'],
  value: unknown,
): Resource {
  if (op === 'remove') throw invalid('noTarget', 'path: remove needs one.')
  let changed = resource
  for (const [path, one] of Object.entries(objectOf(value, 'value'))) {
    const found = resolvePath(schema, path.split('[', 1)[0]!)
    if (found === undefined) throw noAttribute(path)
    if (found === 'unkept' || found.attribute.mutability === 'readOnly') continue
    changed = applyAt(schema, changed, { op, path, value: one })
  }
  return changed
}

function applyAt(
  schema: ResourceSchema,
  resource: Resource,
  { op, path, value }: Operation & { path: string },
): Resource {
  const target = targetOf(schema, path)
  if (target === 'unkept') return resource
  const { attribute, sub } = target
  if (attribute.mutability === 'readOnly' || sub?.mutability === 'readOnly')
    throw invalid('mutability', `${path.slice(0, 64)}: is read-only.`)
  const before = resource[attribute.name]
  const after =
    attribute.multiValued === true
      ? changeList(target, (before ?? []) as Resource[], op, value)
      : changeSingle(target, before, op, value)
  if (after === undefined && attribute.required === true)
    throw invalid('mutability', `${attribute.name}: is required and cannot be taken away.`)
  const { [attribute.name]: _, ...others } = resource
  return after === undefined ? others : { ...others, [attribute.name]: after }
}

function targetOf(schema: ResourceSchema, path: string): Target | 'unkept' {
  const { path: attributePath, of: filter, sub: subName } = parsePatchPath(path)
  const found = resolvePath(schema, attributePath)
  if (found === undefined) throw noAttribute(path)
  if (found === 'unkept') return found
  if (filter === undefined) return { ...found, filter, test: undefined }
  const { attribute } = found
  if (attribute.multiValued !== true || found.sub !== undefined)
    throw invalid('invalidPath', `path: ${attribute.name} is no list of values to choose from.`)
  const sub = subName === undefined ? undefined : attributeNamed(attribute.subAttributes ?? [], subName)
  if (subName !== undefined && sub === undefined) throw noAttribute(path)
  return { attribute, sub, filter, test: compileValueFilter(attribute, filter) }
}

function changeSingle(
  { attribute, sub }: Target,
  before: unknown,
  op: Operation['op'],
  value: unknown,
): unknown {
  if (sub !== undefined) {
    const next = op === 'remove' ? undefined : readValue(sub, value, `${attribute.name}.${sub.name}`)
    return withPart((before ?? {}) as Resource, sub.name, next)
  }
  if (op === 'remove') return undefined
  const next = readValue(attribute, value)
  // Parts that are not named stay as they are (§3.5.2.3).
  if (attribute.type !== 'complex' || next === undefined) return next
  return { ...(before as Resource | undefined), ...(next as Resource) }
}

function withPart(whole: Resource, name: string, value: unknown): Resource | undefined {
  const { [name]: _, ...others } = whole
  const next = value === undefined ? others : { ...others, [name]: value }
  return Object.keys(next).length === 0 ? undefined : next
}

function changeList(target: Target, before: readonly Resource[], op: Operation['op'], value: unknown) {
  const { attribute, sub, test } = target
  const next =
    test !== undefined
      ? changeChosen(target, test, before, op, value)
      : sub !== undefined
        ? before.flatMap((one) => changeValue(attribute, sub, one, op, value) ?? [])
        : changeAll(attribute, before, op, value)
  if (attribute.max !== undefined && next.length > attribute.max)
    throw invalid('invalidValue', `${attribute.name}: has more than ${attribute.max} values.`)
  return next.length === 0 ? undefined : next
}

function changeAll(
  attribute: Attribute,
  before: readonly Resource[],
  op: Operation['op'],
  value: unknown,
): Resource[] {
  // With a value: only these, as Entra takes members away.
  if (op === 'remove' && (value === undefined || value === null)) return []
  const given = (readValue(attribute, value) ?? []) as Resource[]
  if (op === 'remove') {
    const gone = new Set(given.map((one) => keyOf(one, one['type'] !== undefined)))
    return before.filter((one) => !gone.has(keyOf(one, false)) && !gone.has(keyOf(one, true)))
  }
  // Of what can be there once only, the new one counts.
  if (op === 'replace' || (attribute.max === 1 && given.length > 0)) return given
  const isTyped = attribute.distinctByValue !== true
  const there = new Set(before.map((one) => keyOf(one, isTyped)))
  // What is there already is not changed (§3.5.2.1): a member who is added again keeps the role.
  const added = given.filter((one) => {
    const key = keyOf(one, isTyped)
    return !there.has(key) && there.add(key)
  })
  return withOnePrimary([...before, ...added], added)
}

/** A new primary value takes the place of the old one (§3.5.2). */
function withOnePrimary(values: readonly Resource[], changed: readonly Resource[]): Resource[] {
  const primary = changed.find((one) => one['primary'] === true)
  if (primary === undefined) return [...values]
  return values.map((one) => (one['primary'] === true && one !== primary ? { ...one, primary: false } : one))
}

function keyOf(value: Resource, isTyped: boolean): string {
  return JSON.stringify([value['value'], isTyped ? String(value['type']).toLowerCase() : ''])
}

function changeChosen(
  { attribute, sub, filter }: Target,
  test: Test,
  before: readonly Resource[],
  op: Operation['op'],
  value: unknown,
): Resource[] {
  if (!before.some(test)) {
    if (op === 'remove') return [...before]
    // Entra adds an address of a type so, and replaces one that was never there.
    const made = op === 'add' ? impliedBy(filter) : undefined
    if (made === undefined) throw invalid('noTarget', `path: no value of ${attribute.name} fits the filter.`)
    const given = sub === undefined ? objectOf(value, 'value') : { [sub.name]: value }
    return changeAll(attribute, before, 'add', [{ ...made, ...given }])
  }
  const changed: Resource[] = []
  const values: Resource[] = []
  for (const one of before) {
    const next = test(one) ? changeValue(attribute, sub, one, op, value) : one
    if (next === undefined) continue
    values.push(next)
    if (next !== one) changed.push(next)
  }
  return withOnePrimary(values, changed)
}

/** Undefined: the value is gone. */
function changeValue(
  attribute: Attribute,
  sub: Attribute | undefined,
  before: Resource,
  op: Operation['op'],
  value: unknown,
): Resource | undefined {
  if (sub === undefined) {
    if (op === 'remove') return undefined
    const given = objectOf(value, 'value')
    return (readValue(attribute, [{ ...before, ...given }]) as Resource[] | undefined)?.[0]
  }
  const next = op === 'remove' ? undefined : readValue(sub, value, `${attribute.name}.${sub.name}`)
  if (next === undefined && sub.required === true) return undefined
  return withPart(before, sub.name, next)
}

/** `type eq "work" and primary eq true` -> a value of which this is so; undefined: the filter says it otherwise. */
function impliedBy(filter: Filter | undefined): Resource | undefined {
  if (filter?.op === 'eq' && filter.value !== null) return { [filter.path]: filter.value }
  if (filter?.op !== 'and') return undefined
  const parts = filter.all.map(impliedBy)
  return parts.includes(undefined) ? undefined : Object.assign({}, ...parts)
}

function noAttribute(path: string) {
  return invalid('invalidPath', `path: there is no attribute ${path.slice(0, 64)}.`)
}

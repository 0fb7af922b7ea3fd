/** Judges a document by OCSF's own schema (tests/data): known attributes only, all that are required, types, enums. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Attribute {
  type: string
  object?: string
  array?: true
  requirement?: 'required' | 'recommended'
  enum?: string[]
}

interface Thing {
  attributes: Record<string, Attribute>
  constraints?: { at_least_one?: string[]; just_one?: string[] }
}

const file = join(import.meta.dirname, '../../../../../tests/data/ocsf-1.3.0.json')
const schema = JSON.parse(readFileSync(file, 'utf8')) as {
  classes: Record<string, Thing>
  objects: Record<string, Thing>
}

/** What is wrong with it; empty: nothing. */
export function ocsfProblems(document: Record<string, unknown>): string[] {
  const kind = schema.classes[String(document['class_uid'])]
  if (!kind) return [`class ${String(document['class_uid'])}`]
  const problems = thingProblems(kind, document, '')
  const uid = Number(document['class_uid']) * 100 + Number(document['activity_id'])
  if (document['type_uid'] !== uid) problems.push('type_uid')
  if (Math.floor(Number(document['class_uid']) / 1000) !== document['category_uid'])
    problems.push('category_uid')
  return problems
}

function thingProblems({ attributes, constraints }: Thing, value: object, path: string): string[] {
  const names = Object.keys(value)
  const oneOf = constraints?.at_least_one
  return [
    ...names.filter((name) => !Object.hasOwn(attributes, name)).map((name) => `${path}${name} is not known`),
    ...Object.entries(attributes)
      .filter(([name, { requirement }]) => requirement === 'required' && !names.includes(name))
      .map(([name]) => `${path}${name} is required`),
    ...(oneOf && !oneOf.some((name) => names.includes(name)) ? [`${path}one of ${oneOf.join(', ')}`] : []),
    ...Object.entries(value).flatMap(([name, inner]) => {
      const attribute = attributes[name]
      return attribute ? attributeProblems(attribute, inner, `${path}${name}`) : []
    }),
  ]
}

function attributeProblems(attribute: Attribute, value: unknown, path: string): string[] {
  const { array, ...one } = attribute
  if (array)
    return Array.isArray(value)
      ? value.flatMap((inner, index) => attributeProblems(one, inner, `${path}[${index}]`))
      : [`${path} is no list`]
  if (attribute.enum && !attribute.enum.includes(String(value))) return [`${path} is not ${String(value)}`]
  if (attribute.type === 'object_t') {
    if (typeof value !== 'object' || value === null) return [`${path} is no object`]
    if (attribute.object === 'object') return []
    const thing = schema.objects[attribute.object ?? '']
    return thing ? thingProblems(thing, value, `${path}.`) : [`${path}: ${attribute.object} is not judged`]
  }
  const isNumber = ['integer_t', 'long_t', 'float_t'].includes(attribute.type)
  if (isNumber) return Number.isInteger(value) ? [] : [`${path} is no number`]
  if (attribute.type === 'boolean_t') return typeof value === 'boolean' ? [] : [`${path} is no boolean`]
  return typeof value === 'string' ? [] : [`${path} is no text`]
}

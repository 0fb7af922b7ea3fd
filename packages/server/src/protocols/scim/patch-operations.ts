/** What a PATCH asks for (RFC 7644 §3.5.2), before it is known of what. */
import { invalid } from './errors.ts'
import { parsePatchPath } from './filter-parse.ts'
import { objectOf } from './read-value.ts'

export const patchUrn = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const operationsMax = 1000

export interface Operation {
  op: 'add' | 'replace' | 'remove'
  path: string | undefined
  value: unknown
}

/** The operations of a body; `op` in any case, as Entra sends `Replace`. */
export function readOperations(body: unknown): Operation[] {
  const given = objectOf(body, 'body')
  const field = (from: Record<string, unknown>, name: string) =>
    Object.entries(from).find(([key]) => key.toLowerCase() === name)?.[1]
  const schemas = field(given, 'schemas')
  if (!Array.isArray(schemas) || !schemas.some((urn) => String(urn).toLowerCase() === patchUrn.toLowerCase()))
    throw invalid('invalidSyntax', `schemas: must be a list that holds ${patchUrn}.`)
  const operations = field(given, 'operations')
  if (!Array.isArray(operations) || operations.length === 0)
    throw invalid('invalidSyntax', 'Operations: must be a list of at least one operation.')
  if (operations.length > operationsMax)
    throw invalid('invalidValue', `Operations: are more than ${operationsMax}; send them in parts.`)
  return operations.map((one) => {
    const from = objectOf(one, 'Operations')
    const op = String(field(from, 'op')).toLowerCase()
    if (op !== 'add' && op !== 'replace' && op !== 'remove')
      throw invalid('invalidSyntax', 'op: must be add, replace or remove.')
    const path = field(from, 'path') ?? undefined
    if (path !== undefined && typeof path !== 'string')
      throw invalid('invalidPath', 'path: must be a string.')
    const value = field(from, 'value')
    if (op !== 'remove' && value === undefined) throw invalid('invalidValue', `value: ${op} needs one.`)
    return { op, path: path === '' ? undefined : path, value }
  })
}

/**
 * Operations in a row that do the same to the same list are one: a client that sends each member alone must not make the
 * whole list be gone through each time.
 */
export function gathered(operations: readonly Operation[]): Operation[] {
  const runs: Operation[] = []
  for (const one of operations.map(byValue)) {
    const last = runs.at(-1)
    const isSame = last !== undefined && last.op === one.op && last.path === one.path
    if (isSame && one.op !== 'replace' && Array.isArray(last.value) && Array.isArray(one.value))
      runs[runs.length - 1] = { ...one, value: [...last.value, ...(one.value as unknown[])] }
    else runs.push(one)
  }
  return runs
}

/** `members[value eq "x"]` is taken away like the value x. */
function byValue(operation: Operation): Operation {
  if (operation.op !== 'remove' || operation.path === undefined) return operation
  const { path, of, sub } = parsePatchPath(operation.path)
  if (
    of?.op !== 'eq' ||
    of.path.toLowerCase() !== 'value' ||
    typeof of.value !== 'string' ||
    sub !== undefined
  )
    return operation
  return { op: 'remove', path, value: [{ value: of.value }] }
}

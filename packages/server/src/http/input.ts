/** From what came over the wire to what the contract says, or one `invalid` that names every problem by its field. */
import { Empty, SignpostError, type Operation } from '@signpost/contract'
import type { z } from 'zod'

export interface RawInput {
  params: Record<string, unknown>
  query: Record<string, unknown>
  body: unknown
  idempotencyKey: string | string[] | undefined
}

export interface CheckedInput {
  params: unknown
  query: unknown
  body: unknown
  idempotencyKey?: string
}

const problemsMax = 20

export function checkInput(operation: Operation, raw: RawInput): CheckedInput {
  const problems: FieldProblem[] = []
  const check = (schema: z.ZodType, value: unknown, whole: string): unknown => {
    const result = schema.safeParse(value)
    if (result.success) return result.data
    for (const issue of result.error.issues) problems.push(fieldProblem(issue, whole))
    return undefined
  }
  const input: CheckedInput = {
    params: operation.params ? check(operation.params, raw.params, 'path') : undefined,
    query: operation.query
      ? check(operation.query, raw.query, 'query')
      : void (isEmpty(raw.query) || check(Empty, raw.query, 'query')),
    body: operation.body
      ? check(operation.body, raw.body, 'body')
      : void (isEmpty(raw.body) || problems.push({ field: 'body', rule: 'this call takes no body' })),
  }
  if (operation.idempotent && raw.idempotencyKey !== undefined) {
    const key = raw.idempotencyKey
    if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) input.idempotencyKey = key
    else
      problems.push({
        field: 'Idempotency-Key',
        rule: 'must be 1 to 255 visible ASCII characters, sent once',
      })
  }
  if (problems.length > 0) throw invalid(problems)
  return input
}

export interface FieldProblem {
  field: string
  rule: string
}

/** One error that names all problems; `field` is the first one's. */
export function invalid(problems: readonly FieldProblem[]): SignpostError {
  const shown = problems.slice(0, problemsMax).map(({ field, rule }) => `${field}: ${rule}`)
  if (problems.length > problemsMax) shown.push(`and ${problems.length - problemsMax} more`)
  return new SignpostError('invalid', `${shown.join('; ')}.`, { field: problems[0]?.field ?? '' })
}

/** Zod's messages tell the rule and never the value; what reads badly for a client is said in our words. */
function fieldProblem(issue: z.core.$ZodIssue, whole: string): FieldProblem {
  const field = issue.path.length > 0 ? issue.path.map(String).join('.').slice(0, 200) : whole
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined'))
    return { field, rule: whole === field ? 'is missing' : 'is required' }
  if (issue.code === 'invalid_type') return { field, rule: `must be ${article(issue.expected)}` }
  if (issue.code === 'unrecognized_keys') {
    const [name = ''] = issue.keys
    const inside = issue.path.length > 0 ? `${field}.` : ''
    return {
      field: `${inside}${printable(name)}`,
      rule:
        issue.keys.length > 1
          ? `is not a field of this call, nor are ${issue.keys.slice(1, problemsMax).map(printable).join(', ')}`
          : 'is not a field of this call',
    }
  }
  if (issue.code === 'invalid_value')
    return { field, rule: `must be ${issue.values.map(String).join(' or ')}` }
  const bound = boundOf(issue)
  if (bound !== undefined) return { field, rule: bound }
  return { field, rule: issue.message.replace(/^Invalid (?:input|discriminator value)[:.] /, '') }
}

/** Numbers alone: of texts and lists zod says the unit too. */
function boundOf(issue: z.core.$ZodIssue): string | undefined {
  if (issue.code === 'too_big' && issue.origin === 'number') return `must be at most ${issue.maximum}`
  if (issue.code === 'too_small' && issue.origin === 'number') return `must be at least ${issue.minimum}`
  return undefined
}

const article = (type: string) =>
  type === 'int' ? 'a whole number' : /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`

/** A field's name comes from the client: cut, and without what could move a terminal's cursor. */
const printable = (name: string) => name.slice(0, 64).replaceAll(/[^\x20-\x7e]/g, '?')

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true
  if (typeof value !== 'object' || Array.isArray(value)) return false
  for (const _ in value) return false
  return true
}

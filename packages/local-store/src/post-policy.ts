/**
 * The policy of a form: what it may bring, signed by whoever gave it out.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 */
import type { FormFields } from './form-reader.ts'
import { S3Error } from './s3-error.ts'

type Condition =
  | { type: 'equals' | 'starts-with'; field: string; text: string }
  | { type: 'range'; min: number; max: number }

export interface PostPolicy {
  conditions: Condition[]
  /** Milliseconds since the epoch. */
  expiresAt: number
}

/** Throws S3Error `InvalidPolicyDocument`. */
export function parsePolicy(text: string): PostPolicy {
  let document: { expiration?: unknown; conditions?: unknown }
  try {
    document = JSON.parse(Buffer.from(text, 'base64').toString('utf8')) as typeof document
  } catch {
    throw invalid('it is not JSON in base64')
  }
  const { expiration, conditions } = document ?? {}
  const isTime =
    typeof expiration === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/.test(expiration)
  const expiresAt = isTime ? Date.parse(expiration) : Number.NaN
  if (Number.isNaN(expiresAt)) throw invalid('expiration must be an ISO 8601 time in UTC')
  if (!Array.isArray(conditions)) throw invalid('conditions must be a list')
  return { expiresAt, conditions: conditions.flatMap(conditionsOf) }
}

function conditionsOf(condition: unknown): Condition[] {
  if (Array.isArray(condition)) return [listCondition(condition)]
  if (typeof condition !== 'object' || condition === null)
    throw invalid('a condition must be a list or an object')
  return Object.entries(condition).map(([field, text]) => {
    if (typeof text !== 'string') throw invalid('the value of a condition must be a string')
    return { type: 'equals', field: field.toLowerCase(), text }
  })
}

function listCondition([name, first, second, ...more]: unknown[]): Condition {
  const type = typeof name === 'string' ? name.toLowerCase() : ''
  if (more.length > 0) throw invalid('a condition has three elements')
  if (type === 'content-length-range') {
    const [min, max] = [Number(first), Number(second)]
    if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || min < 0)
      throw invalid('the range must be numbers')
    return { type: 'range', min, max }
  }
  const isText = typeof first === 'string' && first.startsWith('$') && typeof second === 'string'
  if (!isText || (type !== 'eq' && type !== 'starts-with')) throw invalid('a condition is not known')
  const field = first.slice(1).toLowerCase()
  return { type: type === 'eq' ? 'equals' : 'starts-with', field, text: second }
}

const UNCHECKED = /^(?:policy|x-amz-signature|file|x-ignore-.*)$/

/** Throws S3Error: over its time, a condition that does not hold, or a field that no condition names. Sizes are in the answer. */
export function checkPolicy(
  { conditions, expiresAt }: PostPolicy,
  fields: FormFields,
  now: number,
): { min: number; max: number } {
  if (now >= expiresAt) throw denied('Policy expired.')
  const range = { min: 0, max: Number.MAX_SAFE_INTEGER }
  const named = new Set<string>()
  for (const condition of conditions) {
    if (condition.type === 'range') {
      range.min = Math.max(range.min, condition.min)
      range.max = Math.min(range.max, condition.max)
      continue
    }
    const { type, field, text } = condition
    named.add(field)
    const value = fields.get(field)
    const holds = value !== undefined && (type === 'equals' ? value === text : value.startsWith(text))
    if (!holds) throw denied(`Policy Condition failed: ["${type === 'equals' ? 'eq' : type}", "$${field}"]`)
  }
  // Stricter than S3: without one, the form would be good for every bucket of the key.
  if (!named.has('bucket')) throw denied('The policy names no bucket')
  const extra = [...fields.keys()].filter((name) => !UNCHECKED.test(name) && !named.has(name))
  if (extra.length > 0) throw denied(`Extra input fields: ${extra.join(', ').slice(0, 200)}`)
  return range
}

function denied(why: string): S3Error {
  return new S3Error('AccessDenied', `Invalid according to Policy: ${why}`)
}

function invalid(why: string): S3Error {
  return new S3Error('InvalidPolicyDocument', `Invalid Policy: ${why}.`)
}

/** The parameters of W&B's audit log API. Strict: what is misspelt would answer another range, or names that were to be left out. */
import { SignpostError } from '@signpost/contract'
import type { WandbAuditAsked } from '../../broker/wandb-audit.ts'

const limitMax = 20_000
const known = ['anonymize', 'startDate', 'numDays', 'endDate', 'limit', 'cursor']

export function readQuery(query: Record<string, unknown>): WandbAuditAsked {
  for (const name of Object.keys(query))
    if (!known.includes(name))
      throw invalid(name.slice(0, 64).toWellFormed(), `is not known; there are ${known.join(', ')}`)
  const [anonymize, startDate, numDays, endDate, limit, cursor] = known.map((name) => textOf(query, name))
  const isPage = limit !== undefined || endDate !== undefined
  if (cursor !== undefined && !isPage) throw invalid('cursor', 'goes with limit or endDate')
  return {
    anonymize: flagOf('anonymize', anonymize),
    startDate,
    endDate,
    numDays: numDays === undefined ? undefined : countOf('numDays', numDays, 0, 999_999),
    ...(isPage
      ? { page: { limit: limit === undefined ? limitMax : countOf('limit', limit, 1, limitMax), cursor } }
      : {}),
  }
}

function textOf(query: Record<string, unknown>, name: string): string | undefined {
  const value = query[name]
  if (value === undefined || typeof value === 'string') return value
  throw invalid(name, 'stands there more than once')
}

/** Anything else could be a wish for no names. */
function flagOf(name: string, text: string | undefined): boolean {
  if (text === undefined || /^false$/i.test(text)) return false
  if (/^true$/i.test(text)) return true
  throw invalid(name, 'must be true or false')
}

function countOf(name: string, text: string, min: number, max: number): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : NaN
  if (count >= min && count <= max) return count
  throw invalid(name, `must be a whole number from ${min} to ${max}`)
}

function invalid(field: string, rule: string): SignpostError {
  return new SignpostError('invalid', `${field}: ${rule}.`, { field })
}

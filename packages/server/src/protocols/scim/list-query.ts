/** What a list is asked for (RFC 7644 §3.4.2), in the address or in the body of a search. */
import { invalid } from './errors.ts'
import { parseFilter, type Filter } from './filter-parse.ts'
import type { Selection } from './select.ts'

export const searchUrn = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest'
/** Resources in an answer, at most. */
export const countMax = 500
const countDefault = 100
const pathsMax = 50

export interface ListQuery {
  filter: Filter | undefined
  sortBy: string | undefined
  descending: boolean
  /** From 1. */
  startIndex: number
  count: number
  selection: Selection
}

/** Names in any case: Entra and Okta do not write them alike. */
export function readListQuery(given: Record<string, unknown>): ListQuery {
  const field = (name: string): unknown =>
    Object.entries(given).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1] ?? undefined
  const filter = textOf('filter', field('filter'))
  const order = textOf('sortOrder', field('sortOrder'))?.toLowerCase() ?? 'ascending'
  if (order !== 'ascending' && order !== 'descending')
    throw invalid('invalidValue', 'sortOrder: must be ascending or descending.')
  return {
    filter: filter === undefined || filter.trim() === '' ? undefined : parseFilter(filter),
    sortBy: textOf('sortBy', field('sortBy')),
    descending: order === 'descending',
    // Less than 1 is 1, less than 0 is 0 (§3.4.2.4); more than there may be is as much as there may be.
    startIndex: Math.max(1, numberOf('startIndex', field('startIndex'), 1)),
    count: Math.min(countMax, Math.max(0, numberOf('count', field('count'), countDefault))),
    selection: readSelection(field('attributes'), field('excludedAttributes')),
  }
}

export function readSelection(attributes: unknown, excluded: unknown): Selection {
  const only = pathsOf('attributes', attributes)
  if (only !== undefined) return { only }
  const without = pathsOf('excludedAttributes', excluded)
  return without === undefined ? {} : { without }
}

/** A list of names, or one text with commas. */
function pathsOf(name: string, value: unknown): string[] | undefined {
  if (value === undefined || value === null || value === '') return undefined
  const list = (Array.isArray(value) ? value : [value]).flatMap((one) => textOf(name, one)?.split(',') ?? [])
  if (list.length > pathsMax)
    throw invalid('invalidValue', `${name}: names more than ${pathsMax} attributes.`)
  return list.map((path) => path.trim()).filter((path) => path !== '')
}

function textOf(name: string, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw invalid('invalidValue', `${name}: must be given once, as a text.`)
  return value
}

function numberOf(name: string, value: unknown, none: number): number {
  if (value === undefined || value === null || value === '') return none
  const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value
  if (!Number.isSafeInteger(number)) throw invalid('invalidValue', `${name}: must be a whole number.`)
  return number as number
}

import { SignpostError } from '@signpost/contract'

/** Where a page begins. Lists answer up to `limit + 1` rows, so that it shows whether there is a next page. */
export interface PageRequest<Cursor> {
  limit: number
  /** The last row of the page before. */
  after?: Cursor | undefined
}

/** Cuts the row too many off, and says where the next page begins. */
export function pageOfRows<Row>(
  rows: readonly Row[],
  limit: number,
  cursorOf: (row: Row) => readonly (string | number)[],
): { rows: Row[]; nextCursor: string | null } {
  if (rows.length <= limit) return { rows: [...rows], nextCursor: null }
  const page = rows.slice(0, limit)
  return { rows: page, nextCursor: writeCursor(cursorOf(page.at(-1)!)) }
}

export function writeCursor(parts: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

/** Reads a cursor that `writeCursor` wrote; `types` are those of its parts. Throws `invalid`. */
export function readCursor(cursor: string, types: readonly ('string' | 'number')[]): (string | number)[] {
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    parts = undefined
  }
  if (
    !Array.isArray(parts) ||
    parts.length !== types.length ||
    !parts.every((part, index) => typeof part === types[index] && isStorable(part))
  ) {
    throw new SignpostError('invalid', '`cursor` is not one of ours: send `nextCursor` as it came.', {
      field: 'cursor',
    })
  }
  return parts as (string | number)[]
}

/** Anybody can write a cursor; PostgreSQL answers a NUL in a text and a fraction for a bigint with an error. */
function isStorable(part: unknown): boolean {
  return typeof part === 'string' ? part.isWellFormed() && !/\p{Cc}/u.test(part) : Number.isSafeInteger(part)
}

/** The cursor of a list that is sorted by one text. */
export function readTextCursor(cursor: string | undefined): string | undefined {
  return cursor === undefined ? undefined : (readCursor(cursor, ['string'])[0] as string)
}

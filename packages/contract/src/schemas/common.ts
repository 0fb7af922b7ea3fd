import { z } from 'zod'
import { errorCodes } from '../errors.ts'

/** Lower-case words with dashes: they stand in addresses (`sp://team/key`) and prefixes. */
export const Slug = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    'must be 1 to 63 lower-case letters, digits and dashes, and begin and end with a letter or digit',
  )

/**
 * Any characters that can be seen: identity providers choose usernames, not we. Two that look the same (an invisible
 * character more, another normal form, a turned reading direction) would let one principal pass for another in a log.
 */
export const Username = z
  .string()
  .min(1)
  .max(128)
  .refine((name) => name.isWellFormed() && !/\p{Cc}/u.test(name), 'must not hold control characters')
  .refine(
    (name) => !/[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Zl}\p{Zp}]/u.test(name),
    'must not hold invisible characters or such as turn the reading direction',
  )
  .refine(
    (name) => !name.isWellFormed() || name.normalize('NFC') === name,
    'must be in Unicode normal form C (NFC)',
  )
  .refine((name) => name.trim() === name, 'must not begin or end with a blank')

/** The rules of an object key are the server's (`domain/object-key.ts`), so that an error can name the rule. */
export const ObjectKey = z
  .string()
  .describe('Object key, relative to the team; at most 1,024 bytes of UTF-8 with its prefix')

export const Instant = z.iso.datetime().describe('UTC instant, RFC 3339')
export const Cursor = z.string().max(2048).describe('Opaque; from `nextCursor` of the page before')
export const Limit = z.coerce
  .number()
  .int()
  .min(1)
  .max(1000)
  .default(100)
  .describe('Entries in a page, at most')

export const Problem = z
  .object({
    type: z.string().describe('`urn:signpost:error:` and the code'),
    title: z.string().describe('The code in words'),
    status: z.number().int().describe('The HTTP status once more'),
    detail: z.string().describe('For people: what is wrong here, and what to do'),
    code: z
      .enum(errorCodes as [string, ...string[]])
      .describe('For programs: does not change between versions'),
    field: z.string().optional().describe('The field of the request that is wrong'),
    requestId: z.string().optional().describe('Stands in the log and in audit events; quote it when asking'),
  })
  .describe('RFC 9457 problem details')
export type Problem = z.infer<typeof Problem>

export const NextCursor = z
  .string()
  .nullable()
  .describe('Send it as `cursor` for the next page; null: this was the last')

/** A page of a list. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({
    items: z.array(item),
    nextCursor: NextCursor,
  })
}

export const PageQuery = z.strictObject({ limit: Limit, cursor: Cursor.optional() })
export const Empty = z.strictObject({})

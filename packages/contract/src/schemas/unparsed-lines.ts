import { z } from 'zod'
import { Cursor, Instant, Limit, Slug } from './common.ts'

const file = z.string().min(1).max(1024).describe("The file's name, exact")

export const ListUnparsedLinesQuery = z.strictObject({
  source: Slug.optional().describe('Only of this log source'),
  file: file.optional(),
  reason: z.string().max(32).optional().describe('Only with this reason, such as `fields`'),
  limit: Limit,
  cursor: Cursor.optional(),
})

/** A line of a log file that no parser of its format could read. */
export const UnparsedLine = z.object({
  source: z.string(),
  file: z.string(),
  foundAt: Instant.describe('When the file was found, or handed in'),
  line: z.number().int().describe('Number of the line (or record) in its file'),
  reason: z.string().describe('Stable word, such as `fields`: not the fields of this format'),
  text: z.string().describe('As it stood, signatures cut out; of a long line the beginning'),
})
export type UnparsedLine = z.infer<typeof UnparsedLine>

export const DismissUnparsedLinesQuery = z.strictObject({
  file: file.optional().describe("Only of files of this name; left out: of all the source's files"),
})

export const DismissedLines = z.object({
  lines: z.number().int().describe('No longer counted'),
  files: z.number().int().describe('In which they stood'),
})
export type DismissedLines = z.infer<typeof DismissedLines>

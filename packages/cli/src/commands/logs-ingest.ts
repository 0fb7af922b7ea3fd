import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Option, type Command } from 'commander'
import {
  logFormatNames,
  type FileCounts,
  type IngestAccessLogInput,
  type IngestedLog,
} from '@signpost/contract'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import { plural, printableLine } from '../text.ts'
import { openProgressBar, type ProgressBar } from '../transfer/progress-bar.ts'

interface Options {
  format?: NonNullable<IngestAccessLogInput['format']>
  connector?: string
  source?: string
}

export function addLogsIngest(logs: Command, run: Run): void {
  logs
    .command('ingest')
    .description(
      'read log files of buckets, packed or not: every access is put beside the URLs that were issued; 1 if nothing of a file can be read',
    )
    .argument('<file...>', 'log files; - reads standard input')
    .addOption(
      new Option('--format <format>', 'which log it is; left out: told by how it begins').choices(
        logFormatNames,
      ),
    )
    .option('--connector <name>', 'whose bucket the log is about; left out: each line names its bucket')
    .option('--source <name>', 'log source to put it down to')
    .addHelpText(
      'after',
      examples(
        'signpost logs ingest access.log.gz --format s3-server-access',
        'zcat logs/*.gz | signpost logs ingest - --format gcs-usage --connector prod',
        'signpost logs ingest 2026-11-*.json --json | jq .findings',
      ),
    )
    .action(
      handler(run, async (context, [files]: [string[]], options: Options) => {
        if (files.filter((file) => file === '-').length > 1)
          throw new UsageError('give standard input (-) once')
        let isAllRead = true
        for (const file of files) isAllRead = (await ingestOne(context, file, options)) && isAllRead
        return isAllRead ? exitCodes.ok : exitCodes.failed
      }),
    )
}

/** False: not a line of it could be read. */
async function ingestOne(context: Context, file: string, options: Options): Promise<boolean> {
  const { io, signal, json } = context
  const isInput = file === '-'
  const stats = isInput ? null : await stat(file)
  if (stats?.isDirectory())
    throw new UsageError(
      `${printableLine(file)}: it is a folder: name the files in it, such as ${printableLine(join(file, '*'))}`,
    )
  const size = stats?.size ?? null
  const bar = io.stderr.isTTY && !json ? await openProgressBar(io.stderr) : undefined
  bar?.expect(size)
  const { format, connector, source } = options
  const query: IngestAccessLogInput = {
    name: isInput ? '-' : basename(file),
    ...(format === undefined ? {} : { format }),
    ...(connector === undefined ? {} : { connector }),
    ...(source === undefined ? {} : { source }),
  }
  try {
    const client = await context.connect()
    const bytes = counted(isInput ? io.stdin : createReadStream(file), size, bar)
    const counts = await client.ingestLog(query, bytes, { signal })
    bar?.stop()
    if (json) context.printJson({ file, ...counts })
    else countLines(file, counts).forEach(context.print)
    const problem = unreadProblem(file, counts)
    if (problem !== undefined) context.note(`signpost: ${problem}`)
    return problem === undefined
  } finally {
    bar?.stop()
  }
}

async function* counted(
  bytes: AsyncIterable<Uint8Array>,
  totalBytes: number | null,
  bar: ProgressBar | undefined,
): AsyncGenerator<Uint8Array> {
  const file = {}
  let transferredBytes = 0
  for await (const chunk of bytes) {
    yield chunk
    transferredBytes += chunk.length
    bar?.progress(file, { transferredBytes, totalBytes, keptBytes: 0, resumedBytes: 0 })
  }
}

/** Undefined: something of it could be read, or there is nothing in it. */
export function unreadProblem(file: string, counts: IngestedLog): string | undefined {
  const { lines, skipped, unparsed, source, format, looksLike } = counts
  if (unparsed === 0 || skipped + unparsed < lines) return undefined
  const isPacked = Object.keys(counts.unparsedReasons).every((reason) => unpacking.has(reason))
  const advice = isPacked
    ? 'it is cut, or packed in another way'
    : looksLike !== null && looksLike !== format
      ? `it looks like ${looksLike}: give --format ${looksLike}`
      : `name the format it is in by --format: ${logFormatNames.join(', ')}`
  return [
    `${printableLine(file)}: none of its lines could be read as ${format}; ${advice}.`,
    `See them by \`signpost logs unparsed --source ${source}\`, count them no more by \`signpost logs dismiss ${source}\`.`,
  ].join(' ')
}

const unpacking: ReadonlySet<string> = new Set(['compression', 'no-zstd', 'too-large'])

/** What nobody could read of a file is said, and is no failure of the command while there is a rest. */
export function countLines(file: string, counts: FileCounts): string[] {
  const { lines, records, known, skipped, elsewhere, former, unparsed, unparsedReasons, findings } = counts
  const told = [
    `${plural(records, 'access', 'accesses')}${known > 0 ? ` (${known} known before)` : ''}`,
    ...(former !== undefined && former > 0 ? [`${former} of buckets whose connector was deleted`] : []),
    ...(elsewhere > 0 ? [`${elsewhere} of buckets that are no connector's`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ]
  const found = Object.entries(findings).map(([finding, count]) => `${finding} ${count}`)
  const reasons = Object.entries(unparsedReasons).map(([reason, count]) => `${reason} ${count}`)
  return [
    `${printableLine(file)}: ${plural(lines, 'line')}, ${told.join(', ')}`,
    ...(found.length > 0 ? [`  ${found.join(', ')}`] : []),
    ...(unparsed > 0
      ? [`  ${plural(unparsed, 'line')} could not be read, kept as unparsed: ${reasons.join(', ')}`]
      : []),
  ]
}

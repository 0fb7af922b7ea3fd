/** How a bucket's access log is switched on, for people. */
import type { LoggingPlan, LoggingWay } from '@signpost/contract'
import type { Context } from './context.ts'
import { UsageError } from './errors.ts'
import { logSourceLine } from './log-source-line.ts'
import { printableLine } from './text.ts'

export const whichLogs = `
Which log (--log); left out, the one that costs nothing and shows the URL:
  AWS     s3-server-access  (left out) the URL: proven; refused signatures too; within hours; storage of the files alone
          cloudtrail        access key, object, request id; 5 to 15 minutes; AWS charges for each data event
          both              with one policy of the log bucket for the two
  Google  gcs-usage         (left out) the URL: proven; about an hour; storage of the files alone
          gcs-audit         the grant and who signed, by Pub/Sub: proven; seconds; Cloud Logging and Pub/Sub charge for it
          gcs-audit-files   the same in files: hours
          both              gcs-usage and gcs-audit
  Ceph    ceph-ops, ceph-bucket-logging or both (left out: both are shown; which fits depends on the release)
Other stores have one log each.
`

/** What is to be used as it is names a bucket that there is. */
export function requireTarget(
  connector: string,
  { placeholders }: LoggingPlan,
  chosen: readonly { text: string }[],
): void {
  const missing = placeholders.find(({ option }) => option === 'target')
  if (missing === undefined || chosen.every(({ text }) => !text.includes(missing.text))) return
  throw new UsageError(
    `give --to: the document names the bucket that takes the log files, such as signpost logs plan ${printableLine(connector)} --to my-logs/s3/`,
  )
}

export function showPlaceholders(context: Context, { placeholders }: LoggingPlan): void {
  if (placeholders.length === 0) return
  context.print('\nStands below for what Signpost cannot know:')
  for (const { text, means, option } of placeholders)
    context.print(`  ${text}: ${means}${option === 'target' ? ' (give it: --to bucket/prefix)' : ''}`)
}

export function showOtherLogs(context: Context, { otherLogs }: LoggingPlan): void {
  if (otherLogs.length === 0) return
  context.print('\nThis store has other logs:')
  for (const { log, title, usually, costs } of otherLogs)
    context.print(`--log ${log}: ${printableLine(`${title}. Arrives ${usually}. Costs: ${costs}`)}`)
}

export function showWay(context: Context, way: LoggingWay, shown: Set<string>): void {
  const { title, tells, usually, costs, documents, sources } = way
  context.print(`\n== ${printableLine(title)}`)
  context.print(`tells: ${printableLine(tells)}`)
  context.print(`arrives: ${printableLine(usually)}`)
  context.print(`costs: ${printableLine(costs)}`)
  // A command holds the document already.
  const commands = new Set(documents.filter(({ format }) => format === 'shell').map(({ name }) => name))
  for (const { name, format, title: what, text, notes } of documents) {
    if (format !== 'shell' && (format !== 'json' || commands.has(name))) continue
    if (shown.has(text)) {
      context.print(`\n${printableLine(what)} (--document ${name}): as above, one for both`)
      continue
    }
    shown.add(text)
    context.print(`\n${printableLine(what)} (--document ${name}):`)
    for (const note of notes) context.print(`# ${printableLine(note)}`)
    for (const line of text.trimEnd().split('\n')) context.print(printableLine(line))
  }
  if (sources.length > 0) context.print('\nHave it read:')
  for (const source of sources) context.print(printableLine(logSourceLine(source)))
}

const states: Readonly<Record<LoggingPlan['state'], string>> = {
  on: 'the bucket writes its access log',
  off: 'the bucket writes no access log',
  always: 'this store always writes its access log',
  unknown: 'whether the bucket logs cannot be read from its settings',
}

export function showState(
  context: Context,
  { state, current, wanted, isSet, obstacles, sources }: LoggingPlan,
): void {
  context.print(`${states[state]}${current === null ? '' : `, to ${printableLine(current)}`}`)
  if (!isSet && wanted !== null) context.print(`would be set: to ${printableLine(wanted)}`)
  context.print(
    sources.length === 0 ? 'no log source tells of it yet' : `told by: ${printableLine(sources.join(', '))}`,
  )
  for (const sentence of obstacles) context.print(`note: ${printableLine(sentence)}`)
}

import type { Coverage, SecurityReport, UrlUsage } from '@signpost/contract'

interface Noted {
  coverage: readonly Coverage[]
  sources: SecurityReport['sources']
  checkpoint: SecurityReport['checkpoint']
  complete: boolean
  usage: Pick<UrlUsage, 'unknown'>
  /** ms since the epoch */
  to: number
}

/** What the report does not tell: a reader must not take silence for safety. */
export function reportNotes({ coverage, sources, checkpoint, complete, usage, to }: Noted): string[] {
  const notes: string[] = []
  const names = (all: readonly Coverage[]) => all.map(({ connector }) => connector).join(', ')
  const unlogged = coverage.filter(({ logged }) => !logged)
  if (unlogged.length > 0)
    notes.push(`No log told of accesses to: ${names(unlogged)}. What happened there is not known.`)
  const silent = coverage.filter(({ logged, silentDays }) => logged && silentDays.length > 0)
  for (const { connector, silentDays } of silent)
    notes.push(
      `${connector}: URLs were given on ${silentDays.length} days of which its log tells nothing: a gap, or they were not used.`,
    )
  for (const { name, failed, waiting, problem, unparsed, lastAccessAt } of sources) {
    if (failed > 0) notes.push(`${name}: ${failed} log files could not be read.`)
    if (waiting > 0) notes.push(`${name}: ${waiting} log files are still to be read.`)
    if (problem !== null) notes.push(`${name}: ${problem}`)
    if (unparsed > 0)
      notes.push(
        `${name}: ${unparsed} lines could not be read, in all: see \`signpost logs unparsed --source ${name}\`.`,
      )
    if (lastAccessAt === null) notes.push(`${name}: has told of no access yet.`)
    else if (Date.parse(lastAccessAt) < to - 86_400_000)
      notes.push(`${name}: tells of nothing after ${lastAccessAt}.`)
  }
  if (usage.unknown > 0)
    notes.push(
      `Of ${usage.unknown} URLs it is not known whether they were used: no log tells of their bucket.`,
    )
  if (checkpoint === null)
    notes.push(
      'There is no signed checkpoint: whoever may write to the database could have changed the trail.',
    )
  else notes.push('That the trail is whole is not checked here: run `signpost audit verify`.')
  if (!complete) notes.push('There is more than one report looks at: ask for a shorter time.')
  return notes
}

/** A finding for people: what happened, why we say so, what to do. */
import type { ExplainedFinding } from '@signpost/contract'
import { printableLine } from './text.ts'

export function findingLines(found: ExplainedFinding): string[] {
  const { id, finding, state, note, changedBy, sentences } = found
  const seen = state === 'acknowledged' ? `, acknowledged by ${changedBy}` : ''
  return [
    `${finding}  ${id}${seen}${note === undefined ? '' : `: ${note}`}`,
    `  what  ${sentences.what}`,
    `  why   ${sentences.why}`,
    `  do    ${sentences.advice}`,
  ].map((line) => printableLine(line))
}

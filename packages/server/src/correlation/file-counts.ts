/** What was read of a file, counted as it is read. */
import type { FileCounts, Finding } from '@signpost/contract'

export interface Counter {
  lines: number
  records: number
  known: number
  skipped: number
  elsewhere: number
  former: number
  unparsed: number
  unparsedReasons: Map<string, number>
  findings: Map<Finding, number>
  firstAt: number
  lastAt: number
}

export function createCounter(): Counter {
  return {
    lines: 0,
    records: 0,
    known: 0,
    skipped: 0,
    elsewhere: 0,
    former: 0,
    unparsed: 0,
    unparsedReasons: new Map(),
    findings: new Map(),
    firstAt: Infinity,
    lastAt: -Infinity,
  }
}

export function addOne<Name>(counts: Map<Name, number>, name: Name): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

export function countsOf(counter: Counter): FileCounts {
  const { unparsedReasons, findings, firstAt, lastAt, former, ...numbers } = counter
  return {
    ...numbers,
    ...(former > 0 ? { former } : {}),
    unparsedReasons: Object.fromEntries(unparsedReasons),
    findings: Object.fromEntries(findings),
    firstAt: firstAt === Infinity ? null : new Date(firstAt).toISOString(),
    lastAt: lastAt === -Infinity ? null : new Date(lastAt).toISOString(),
  }
}

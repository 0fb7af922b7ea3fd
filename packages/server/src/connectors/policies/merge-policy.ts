/** Our statements into a policy that is there: the others' stay as they are, in their places. */
import { SignpostError } from '@signpost/contract'
import { createTwoFilesPatch } from 'diff'
import { networkSid } from './s3-network.ts'
import type { Statement } from './statement.ts'

/** "Bucket policies are limited to 20 KB in size." */
export const policyBytesMax = 20 * 1024

export interface MergedPolicy {
  /** To be set; null: there is nothing left to hold, so that the policy goes. */
  next: string | null
  /** Line by line, as `diff -u` writes it; empty: what is there says the same already. */
  difference: string[]
}

/**
 * `isOurs`: whose place ours take; the statements of the network restriction unless told.
 *
 * @throws SignpostError `conflict` where what is there is no policy that can be read
 */
export function mergePolicy(
  current: string | null,
  ours: readonly Statement[],
  isOurs: (sid: string) => boolean = (sid) => sid.startsWith(networkSid),
): MergedPolicy {
  const there = current === null ? undefined : readDocument(current)
  const before = there?.Statement ?? []
  const others = before.filter((statement) => !isOurs(sidOf(statement)))
  const all: unknown[] = [...others, ...ours]
  const next = all.length === 0 ? null : { Version: '2012-10-17', ...there, Statement: all }
  if (canonical(before) === canonical(all)) return { next: current, difference: [] }
  return { next: next && JSON.stringify(next), difference: difference(there ?? null, next) }
}

interface ReadDocument {
  Statement: unknown[]
}

/** @throws SignpostError `conflict` where it is no policy */
export function readDocument(text: string): ReadDocument {
  try {
    const found = JSON.parse(text) as { Statement?: unknown } | null
    const { Statement: statements } = found ?? {}
    if (typeof statements === 'object' && statements !== null)
      return { ...found, Statement: Array.isArray(statements) ? (statements as unknown[]) : [statements] }
  } catch {
    // Said below.
  }
  throw new SignpostError(
    'conflict',
    "The bucket's policy is not one that can be read: mend or remove it first; nothing was changed.",
  )
}

/** Empty: it has none. */
export function sidOf(statement: unknown): string {
  const sid = (statement as { Sid?: unknown } | null)?.Sid
  return typeof sid === 'string' ? sid : ''
}

/** The same whatever the order of names and values; stores write a list of one as the one. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return value.length === 1 ? canonical(value[0]) : `[${sorted(value)}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  // "Principal": "*" means {"AWS": "*"}, and some stores write it so.
  const same = (name: string, one: unknown) => (name === 'Principal' && one === '*' ? { AWS: '*' } : one)
  return `{${members.map(([name, one]) => `${JSON.stringify(name)}:${canonical(same(name, one))}`).join(',')}}`
}

const sorted = (values: readonly unknown[]) => values.map(canonical).toSorted().join(',')

function difference(before: unknown, after: unknown): string[] {
  const text = (value: unknown) => (value === null ? '' : `${JSON.stringify(value, null, 2)}\n`)
  const patch = createTwoFilesPatch('bucket policy', 'with Signpost', text(before), text(after))
  return patch.split('\n').slice(1, -1)
}

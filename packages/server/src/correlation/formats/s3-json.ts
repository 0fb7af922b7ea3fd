/** What the JSON logs of S3's imitators have in common: a request target, a bucket, perhaps a key. */
import type { LineContext } from '../access-log-record.ts'
import type { FoundRecord } from '../make-record.ts'
import { factsOf } from '../make-record.ts'
import { readQuery } from '../query-markers.ts'
import { keyOf, splitTarget } from '../request-target.ts'

export interface TargetFacts {
  found: Partial<FoundRecord>
  key: string | null
  isSure: boolean
  isPresigned: boolean
  urlSigner: string | null
  query: string
}

/** `stated`: the key as the log says it; undefined: it does not say. */
export function readTarget(
  target: string,
  bucket: string,
  context: LineContext,
  stated?: readonly string[],
): TargetFacts {
  const { path, query } = splitTarget(target)
  const facts = readQuery(query)
  const { key, isSure } = keyOf({ path, bucket, addressing: context.addressing, stated })
  const { isPresigned, urlSigner } = facts
  return { found: factsOf(facts), key, isSure, isPresigned, urlSigner, query }
}

/** Drops what the log does not tell. */
export function told(...texts: readonly (string | null | undefined)[]): string[] {
  return texts.filter((text) => typeof text === 'string' && text !== '' && text !== '-').map(String)
}

/** Puts together what a parser found: defaults for what its log does not tell, bounds and redaction for all text. */
import { createHash } from 'node:crypto'
import { isIP, isIPv4 } from 'node:net'
import { plainAddress } from '../domain/network.ts'
import type { AccessLogRecord, Doubt, ParsedLine, UnparsedReason } from './access-log-record.ts'
import { isTimeOfAccess } from './log-time.ts'
import type { QueryFacts } from './query-markers.ts'
import { needsNoRedaction, redact } from './redact.ts'

export type FoundRecord = Pick<AccessLogRecord, 'identity' | 'at' | 'atIs' | 'operation' | 'action'> &
  Partial<Omit<AccessLogRecord, 'doubts' | 'succeeded'>> & {
    succeeded?: boolean | null | undefined
    doubts?: readonly (Doubt | false)[]
  }

const textCharactersMax = 512
/** S3's limit is 1,024 bytes; Azure's and Google's are no longer. */
const keyCharactersMax = 1024
const signersMax = 8

export function makeRecord(found: FoundRecord): ParsedLine {
  if (!isTimeOfAccess(found.at)) return unparsed('time')
  const { markers, key = null, status = null } = found
  const isKeyTooLong = key !== null && key.length > keyCharactersMax
  const record: AccessLogRecord = {
    identity: clean(found.identity, keyCharactersMax * 8),
    at: found.at,
    atIs: found.atIs,
    startedAt: found.startedAt ?? null,
    bucket: cleaned(found.bucket),
    account: cleaned(found.account),
    key: key === null || isKeyTooLong ? null : clean(key, keyCharactersMax),
    action: found.action,
    operation: clean(found.operation),
    method: cleaned(found.method),
    status,
    succeeded: found.succeeded ?? (status === null ? null : status < 400),
    errorCode: cleaned(found.errorCode),
    address: addressOf(found.address ?? null),
    agent: cleaned(found.agent),
    requestId: cleaned(found.requestId),
    signers: signersOf(found.signers),
    urlSigner: cleaned(found.urlSigner),
    authentication: found.authentication ?? 'unknown',
    markers: {
      user: cleanAll(markers?.user),
      grant: cleanAll(markers?.grant),
    },
    oddNames: cleanAll(found.oddNames),
    signedAt: found.signedAt ?? null,
    expiresAt: found.expiresAt ?? null,
    bytesSent: found.bytesSent ?? null,
    bytesReceived: found.bytesReceived ?? null,
    uploadId: cleaned(found.uploadId),
    partNumber: found.partNumber ?? null,
    doubts: doubtsOf(found.doubts, isKeyTooLong),
  }
  return { outcome: 'record', record }
}

export function unparsed(reason: UnparsedReason): ParsedLine {
  return { outcome: 'unparsed', reason }
}

export function skipped(reason: string): ParsedLine {
  return { outcome: 'skipped', reason }
}

/** Of a redacted line or record, so that the digest says nothing of a signature. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

/** What the query tells goes into a record under the same names. */
export function factsOf(facts: QueryFacts): Partial<FoundRecord> {
  const { markers, oddNames, urlSigner, signedAt, expiresAt, uploadId, partNumber } = facts
  return { markers, oddNames, urlSigner, signedAt, expiresAt, uploadId, partNumber }
}

/**
 * A signature in the URL was the one that counted, unless the store tells another signer than the URL: whoever sends a header
 * of his own may write what he likes into the query.
 */
export function urlAuthentication(
  { isPresigned, urlSigner }: Pick<QueryFacts, 'isPresigned' | 'urlSigner'>,
  toldAccessKeyId: string | null,
  otherwise: AccessLogRecord['authentication'],
): { authentication: AccessLogRecord['authentication']; isContradicted: boolean } {
  if (!isPresigned) return { authentication: otherwise, isContradicted: false }
  if (toldAccessKeyId !== null && toldAccessKeyId !== urlSigner)
    return { authentication: 'unknown', isContradicted: true }
  return { authentication: 'query', isContradicted: false }
}

/** `1.2.3.4:567`, `[::1]:567`; null for what is no address, as the names of services in CloudTrail. */
export function addressOf(text: string | null): string | null {
  if (text === null) return null
  if (isIPv4(text)) return text
  const bare = /^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1] ?? /^([^:]*):\d+$/.exec(text)?.[1] ?? text
  return isIP(bare) === 0 ? null : plainAddress(bare)
}

function cleaned(text: string | null | undefined): string | null {
  return text === undefined || text === null || text === '' ? null : clean(text)
}

/** All text of a record comes through here; decoding may also have brought forth what an earlier look could not see. */
function clean(text: string, charactersMax = textCharactersMax): string {
  const short = text.length > charactersMax ? text.slice(0, charactersMax) : text
  return needsNoRedaction(short) ? short : redact(short)
}

function cleanAll(texts: readonly string[] | undefined): readonly string[] {
  return texts === undefined || texts.length === 0 ? [] : texts.map((text) => clean(text))
}

function signersOf(texts: readonly string[] | undefined): readonly string[] {
  if (texts === undefined || texts.length === 0) return []
  if (texts.length === 1) return texts[0] === '' ? [] : [clean(texts[0]!)]
  return cleanAll([...new Set(texts.filter(Boolean))].slice(0, signersMax))
}

function doubtsOf(found: FoundRecord['doubts'], isKeyTooLong: boolean): readonly Doubt[] {
  const doubts: Doubt[] = isKeyTooLong ? ['key'] : []
  for (const doubt of found ?? []) if (doubt !== false && !doubts.includes(doubt)) doubts.push(doubt)
  return doubts
}

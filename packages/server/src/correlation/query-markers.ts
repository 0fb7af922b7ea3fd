/**
 * What a query string says of requester, grant and signature. A store keeps the last of two parameters, another the first,
 * and a client that prepends a second `X-User` to a valid URL is served by some: so every value is told, under whatever
 * spelling of the name, and more than one is for the matcher to refuse.
 */
import { basicTime, epochTime, isoTime } from './log-time.ts'
import { decodePercentLossy } from './percent.ts'

export interface QueryFacts {
  markers: { user: string[]; grant: string[] }
  oddNames: string[]
  /** It has the parameters of a signature (of any of the schemes). */
  isPresigned: boolean
  /** Access key id, service account, object id of Entra; null where there is none or more than one. */
  urlSigner: string | null
  signedAt: number | null
  expiresAt: number | null
  uploadId: string | null
  partNumber: number | null
}

const userNames = new Set(['x-user', 'x-goog-custom-audit-user', 'scid'])
const grantNames = new Set(['x-grant', 'x-goog-custom-audit-grant'])
/** As `@signpost/signing` writes them. */
const exactNames = new Set([
  'X-User',
  'X-Grant',
  'x-goog-custom-audit-user',
  'x-goog-custom-audit-grant',
  'scid',
])
const signerNames = ['x-amz-credential', 'x-goog-credential', 'awsaccesskeyid', 'googleaccessid', 'skoid']
const signatureNames = ['x-amz-signature', 'x-goog-signature', 'signature', 'sig']

/** Of an honest URL there is one; the rest tells no more. */
const valuesMax = 8
/** Longer than a username or a grant's id may be: what is cut off here is no marker of ours. */
const valueCharactersMax = 512
const nameCharactersMax = 128
const encodingsMax = 4

/** Of a query without its `?`. */
export function readQuery(query: string): QueryFacts {
  const values = new Map<string, string[]>()
  const facts: QueryFacts = {
    markers: { user: [], grant: [] },
    oddNames: [],
    isPresigned: false,
    urlSigner: null,
    signedAt: null,
    expiresAt: null,
    uploadId: null,
    partNumber: null,
  }
  if (query === '') return facts
  for (const piece of query.split('&')) {
    const equals = piece.indexOf('=')
    const name = equals === -1 ? piece : piece.slice(0, equals)
    const value = equals === -1 ? '' : piece.slice(equals + 1)
    const folded = foldName(name)
    const earlier = values.get(folded)
    if (earlier === undefined) values.set(folded, [value])
    else if (earlier.length < valuesMax) earlier.push(value)
    noteMarker(facts, name, folded, value)
    if (/[;?]/.test(piece)) notePartsOf(facts, piece)
  }
  return Object.assign(facts, signatureFacts(values))
}

/** Markers that a log shows as names and values (CloudTrail, MinIO, Google's audit log) instead of a query string. */
export function readMarkers(
  named: Iterable<readonly [name: string, value: string]>,
): Pick<QueryFacts, 'markers' | 'oddNames'> {
  const facts = { markers: { user: [], grant: [] }, oddNames: [] }
  for (const [name, value] of named) addMarker(facts, name, foldName(name), [value])
  return facts
}

/** Some servers part parameters by `;` too, or show what stands behind a second `?`. The signer encodes both. */
function notePartsOf(facts: QueryFacts, piece: string): void {
  for (const part of piece.split(/[;?]/).slice(1)) {
    const equals = part.indexOf('=')
    const name = equals === -1 ? part : part.slice(0, equals)
    noteMarker(facts, name, foldName(name), equals === -1 ? '' : part.slice(equals + 1))
  }
}

function noteMarker(facts: QueryFacts, name: string, folded: string, value: string): void {
  if (!userNames.has(folded) && !grantNames.has(folded)) return
  // The signer writes %2B and %20. A bare + is a blank to one store and a + to another, so whom it names is open.
  const readings = value.includes('+')
    ? [decodePercentLossy(value), decodePercentLossy(value.replaceAll('+', '%20'))]
    : [decodePercentLossy(value)]
  addMarker(facts, name, folded, readings)
}

function addMarker(
  { markers, oddNames }: Pick<QueryFacts, 'markers' | 'oddNames'>,
  name: string,
  folded: string,
  readings: readonly string[],
): void {
  const list = userNames.has(folded) ? markers.user : grantNames.has(folded) ? markers.grant : undefined
  if (!list) return
  for (const reading of readings) if (list.length < valuesMax) list.push(reading.slice(0, valueCharactersMax))
  if (!exactNames.has(name) && oddNames.length < valuesMax) oddNames.push(name.slice(0, nameCharactersMax))
}

/** One form for all spellings: case, encodings, blanks and what nobody sees, letters that look like or fold to ASCII's. */
export function foldName(name: string): string {
  if (/^[A-Za-z0-9-]*$/.test(name)) return name.toLowerCase()
  let plain = name.slice(0, nameCharactersMax * 3)
  for (let times = 0; times < encodingsMax; times += 1) {
    const next = decodePercentLossy(plain)
    if (next === plain) break
    plain = next
  }
  return plain
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[\s+\p{C}\p{Default_Ignorable_Code_Point}\ufffd"']/gu, '')
    .replaceAll('_', '-')
}

function signatureFacts(values: ReadonlyMap<string, readonly string[]>) {
  /** Null where there are two of it: which one counted is not known. */
  const only = (name: string) => {
    const all = values.get(name)
    return all?.length === 1 ? decodePercentLossy(all[0]!).slice(0, 2048) : null
  }
  const signers = signerNames
    .flatMap((name) => values.get(name) ?? [])
    .slice(0, valuesMax)
    .map((value) => decodePercentLossy(value).split('/')[0]!.slice(0, valueCharactersMax))
    .filter(Boolean)
  const signedAt = basicTime(only('x-amz-date') ?? only('x-goog-date') ?? '') ?? null
  const seconds = wholeNumber(only('x-amz-expires') ?? only('x-goog-expires'))
  // Of Signature Version 2 (epoch) and of Azure.
  const ends = epochTime(wholeNumber(only('expires')), 1000) ?? isoTime(only('se')) ?? null
  const part = wholeNumber(only('partnumber'))
  return {
    isPresigned: signatureNames.some((name) => values.has(name)),
    urlSigner: signers.length === 1 ? signers[0]! : null,
    signedAt,
    expiresAt: signedAt !== null && seconds !== null ? signedAt + seconds * 1000 : ends,
    uploadId: only('uploadid') ?? only('blockid'),
    partNumber: part !== null && part <= 100_000 ? part : null,
  }
}

function wholeNumber(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null
}

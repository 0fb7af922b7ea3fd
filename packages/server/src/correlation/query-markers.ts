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
  /**
   * It has the parameters of a signature (of any of the schemes), spelt and as many as a store wants before it looks at one: with
   * `x-amz-signature`, or without `X-Amz-Algorithm`, what is open to everybody is given to whoever asks.
   */
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
const dateNames = ['x-amz-date', 'x-goog-date', 'x-amz-expires', 'x-goog-expires', 'expires', 'se']
const partNames = ['partnumber', 'uploadid', 'blockid']
const algorithmNames = ['x-amz-algorithm', 'x-goog-algorithm']
/** All names of which something is taken, folded; a number each, under which its value is kept. */
const markerNames = [...userNames, ...grantNames]
const signingNames = [...signerNames, ...signatureNames]
const telling = [...markerNames, ...signingNames, ...dateNames, ...partNames, ...algorithmNames]
const slots = new Map(telling.map((name, slot) => [name, slot]))
const noSlot = -1
/** How names are spelt in nearly all URLs, also those of no interest. */
const usualNames = `X-User X-Grant partNumber uploadId x-id
  X-Amz-Algorithm X-Amz-Credential X-Amz-Date X-Amz-Expires X-Amz-SignedHeaders X-Amz-Signature X-Amz-Security-Token X-Amz-Content-Sha256
  X-Goog-Algorithm X-Goog-Credential X-Goog-Date X-Goog-Expires X-Goog-SignedHeaders X-Goog-Signature`.split(
  /\s+/,
)
const usualSlots = new Map(
  [...telling, ...usualNames].map((name) => [name, slots.get(name.toLowerCase()) ?? noSlot]),
)
const slotOf = (name: string) => slots.get(name) ?? noSlot
const firstSignerSlot = slotOf(signerNames[0]!)
const firstSignatureSlot = slotOf(signatureNames[0]!)
const afterSignatures = firstSignatureSlot + signatureNames.length
const markerSlots = markerNames.length
const dateSlot = dateNames.map(slotOf)
const partSlot = partNames.map(slotOf)
/** Of SigV4 and GOOG4: what the store has to find to check a signature. */
const schemes = ['amz', 'goog'].map((name) => ({
  signature: slotOf(`x-${name}-signature`),
  algorithm: slotOf(`x-${name}-algorithm`),
  credential: slotOf(`x-${name}-credential`),
}))
const algorithms = /^(?:AWS4|GOOG4)-(?:HMAC|RSA|ECDSA-P256)-SHA256$/

/** Of an honest URL there is one; the rest tells no more. */
const valuesMax = 8
/** Longer than a username or a grant's id may be: what is cut off here is no marker of ours. */
const valueCharactersMax = 512
const nameCharactersMax = 128
const encodingsMax = 4

type Markers = Pick<QueryFacts, 'markers' | 'oddNames'>

interface Found extends Markers {
  /** Folded; those of which a value was noted. */
  names: string[]
}

const nothingFound = (): Found => ({ markers: { user: [], grant: [] }, oddNames: [], names: [] })

/** Values as they stand, by slot; null: there are two, and which one counted is not known. */
type Values = (string | null | undefined)[]

/** Of a query without its `?`. */
export function readQuery(query: string): QueryFacts {
  const values: Values = []
  const found = nothingFound()
  const isOdd = query.includes(';') || query.includes('?')
  let isMisspelt = false
  let equals = query.indexOf('=')
  for (let start = 0; start < query.length;) {
    const next = query.indexOf('&', start)
    const end = next === -1 ? query.length : next
    // Not looked for again where there is no further one: that would take the square of the length.
    if (equals !== -1 && equals < start) equals = query.indexOf('=', start)
    const nameEnd = equals === -1 || equals > end ? end : equals
    const name = query.slice(start, nameEnd)
    const usual = usualSlots.get(name)
    const slot = usual ?? slotOf(foldName(name))
    if (slot !== noSlot) {
      const value = query.slice(nameEnd + 1, end)
      values[slot] = values[slot] === undefined ? value : null
      if (slot < markerSlots) noteMarker(found, name, telling[slot]!, value)
      else if ((usual === undefined || name[0] === 'x') && telling[slot]!.startsWith('x-')) isMisspelt = true
    }
    if (isOdd) notePartsOf(found, query.slice(start, end))
    start = end + 1
  }
  return signatureFacts(values, found, isMisspelt)
}

/** Markers that a log shows as names and values (CloudTrail, MinIO, Google's audit log) instead of a query string. */
export function readMarkers(named: Iterable<readonly [name: string, value: string]>): Markers {
  const found = nothingFound()
  for (const [name, value] of named) addMarker(found, name, foldName(name), [value])
  return { markers: found.markers, oddNames: found.oddNames }
}

/** Some servers part parameters by `;` too, or show what stands behind a second `?`. The signer encodes both. */
function notePartsOf(found: Found, piece: string): void {
  for (const part of piece.split(/[;?]/).slice(1)) {
    const equals = part.indexOf('=')
    const name = equals === -1 ? part : part.slice(0, equals)
    noteMarker(found, name, foldName(name), equals === -1 ? '' : part.slice(equals + 1))
  }
}

function noteMarker(found: Found, name: string, folded: string, value: string): void {
  if (!userNames.has(folded) && !grantNames.has(folded)) return
  // The signer writes %2B and %20. A bare + is a blank to one store and a + to another, so whom it names is open.
  const readings = value.includes('+')
    ? [decodePercentLossy(value), decodePercentLossy(value.replaceAll('+', '%20'))]
    : [decodePercentLossy(value)]
  addMarker(found, name, folded, readings)
}

/** Google's URLs hold the same value under two names, for its two logs. The same name twice is never the signer's. */
function addMarker(
  { markers, oddNames, names }: Found,
  name: string,
  folded: string,
  readings: readonly string[],
): void {
  const list = userNames.has(folded) ? markers.user : grantNames.has(folded) ? markers.grant : undefined
  if (!list) return
  const isFirstOfName = !names.includes(folded)
  if (isFirstOfName) names.push(folded)
  for (const reading of readings) {
    const value = reading.slice(0, valueCharactersMax)
    if (list.length < valuesMax && !(isFirstOfName && list.includes(value))) list.push(value)
  }
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

function signatureFacts(values: Values, { markers, oddNames }: Markers, isMisspelt: boolean): QueryFacts {
  const only = (slot: number | undefined) => {
    const value = values[slot ?? noSlot]
    return value === undefined || value === null ? null : decodePercentLossy(value).slice(0, 2048)
  }
  const [amzDate, googDate, amzExpires, googExpires, expires, se] = dateSlot
  const [partNumber, uploadId, blockId] = partSlot
  const scheme = schemeIn(values, isMisspelt)
  // No other scheme has such a date: it is not of what was signed.
  const date = scheme === 'other' ? null : (only(amzDate) ?? only(googDate))
  const signedAt = basicTime(date ?? '') ?? null
  const seconds = wholeNumber(only(amzExpires) ?? only(googExpires))
  const part = wholeNumber(only(partNumber))
  return {
    markers,
    oddNames,
    isPresigned: scheme === 'v4' || scheme === 'other',
    urlSigner: signerIn(values),
    signedAt,
    // Else of Signature Version 2 (epoch) and of Azure.
    expiresAt:
      signedAt !== null && seconds !== null
        ? signedAt + seconds * 1000
        : (epochTime(wholeNumber(only(expires)), 1000) ?? isoTime(only(se)) ?? null),
    uploadId: only(uploadId) ?? only(blockId),
    partNumber: part !== null && part <= 100_000 ? part : null,
  }
}

/** `v4`: also Google's. `other`: Signature Version 2, or a SAS. `void`: no store can have checked it. */
function schemeIn(values: Values, isMisspelt: boolean): 'v4' | 'other' | 'void' | undefined {
  const has = (slot: number) => values[slot] !== undefined
  const isV4 = schemes.some(({ signature }) => has(signature))
  const isWhole = schemes.every(
    ({ signature, algorithm, credential }) =>
      !has(signature) || (has(credential) && algorithms.test(values[algorithm] ?? '')),
  )
  if (isV4) return isWhole && !isMisspelt ? 'v4' : 'void'
  for (let slot = firstSignatureSlot + schemes.length; slot < afterSignatures; slot += 1)
    if (has(slot)) return 'other'
  return undefined
}

/** Access key id of a credential scope, or the whole value; null where two are named. */
function signerIn(values: Values): string | null {
  let signer: string | null = null
  for (let slot = firstSignerSlot; slot < firstSignatureSlot; slot += 1) {
    const value = values[slot]
    if (value === undefined) continue
    if (value === null || signer !== null) return null
    signer = signerOf(value)
  }
  return signer
}

function signerOf(value: string): string | null {
  // `AKID%2F20261123%2F...`: nothing needs to be decoded before the slash.
  const first = value.indexOf('%')
  const isPlain = first > 0 && value.startsWith('%2F', first) && !value.includes('/')
  const text = isPlain ? value.slice(0, first) : decodePercentLossy(value).split('/', 1)[0]!
  return text === '' ? null : text.slice(0, valueCharactersMax)
}

/** Up to 15 digits. */
function wholeNumber(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null
}

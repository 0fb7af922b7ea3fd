/** An event without what tells of a person. Pure. */
import type { AuditEvent, AuditEventType } from '@signpost/contract'

/** All that names one person in the trail: their username, ids, markers. */
export interface Person {
  username: string
  ids: ReadonlySet<string>
  names: ReadonlySet<string>
}

/** `own`: they did it; `named`: somebody else's event tells of them. */
export function tellsOf(event: AuditEvent, { username, ids, names }: Person): 'own' | 'named' | null {
  const { principalId, marker } = event
  if (event.username === username || (principalId !== undefined && ids.has(principalId))) return 'own'
  if (marker !== undefined && names.has(marker)) return 'named'
  // What proves the trail names no persons.
  if (isProof(event.type)) return null
  return Object.values(event.details ?? {}).some((value) => isNaming(value, names)) ? 'named' : null
}

export interface Erasing {
  /** Takes the place of all names. */
  erasure: string
  /** Object keys of what they did, too. */
  keys: boolean
}

/** In the order in which fields stand: only what is personal is another, or gone. */
export function erasedEvent(event: AuditEvent, person: Person, { erasure, keys }: Erasing): AuditEvent {
  const tells = tellsOf(event, person)
  if (tells === null) return event
  const left: AuditEvent = { ...event, erased: erasure }
  if (event.details !== undefined && !isProof(event.type))
    left.details = erasedDetails(event, person, erasure)
  if (tells === 'named') {
    if (left.marker !== undefined && person.names.has(left.marker)) delete left.marker
    return left
  }
  left.principalId = erasure
  left.username = erasure
  for (const field of ownFields) delete left[field]
  if (keys) delete left.key
  return left
}

const ownFields = ['apiKeyId', 'address', 'agent', 'requestId', 'marker', 'signatureDigest'] as const

/** Their details are heads, hashes and signatures: without these nothing could be verified. */
function isProof(type: AuditEventType): boolean {
  return proofs.has(type)
}

const proofs: ReadonlySet<AuditEventType> = new Set([
  'chain.open',
  'audit.checkpoint',
  'audit.expire',
  'audit.erase',
])

/** What stands under these names describes a person, whoever it is. */
const personal = new Set([
  'address',
  'agent',
  'claims',
  'deviceAddress',
  'deviceAgent',
  'displayName',
  'email',
  'externalId',
  'groups',
  'marker',
  'name',
  'profile',
  'subject',
  'tokenId',
])

/** Where they say from where one person may ask: of a key, or of who is restricted. */
const networkTypes: ReadonlySet<AuditEventType> = new Set(['apiKey.create', 'restriction.create'])

function erasedDetails(
  { type, details = {} }: AuditEvent,
  { names }: Person,
  erasure: string,
): NonNullable<AuditEvent['details']> {
  return Object.fromEntries(
    Object.entries(details).map(([name, value]) => {
      if (typeof value !== 'string') return [name, value]
      if (personal.has(name) || (name === 'networks' && networkTypes.has(type))) return [name, 'erased']
      const left = withoutNames(value, names, erasure)
      return [name, name === 'scope' && networkTypes.has(type) ? withoutNetworks(left) : left]
    }),
  )
}

/** Of a key's scope, which is JSON. */
function withoutNetworks(scope: string): string {
  return scope.replaceAll(/"networks":\[[^\]]*\]/g, '"networks":["erased"]')
}

const separators = /([\s,;:"'()<>[\]{}=&|]+)/
/** What ends a sentence, or stands around a word of it. */
const aroundWords = /^[.!?…„“”‚‘’«»*]+|[.!?…„“”‚‘’«»*]+$/g

/** As a whole, or as a word of a text. A name that is a part of another word is none. */
function isNaming(value: unknown, names: ReadonlySet<string>): boolean {
  if (typeof value !== 'string') return false
  return (
    names.has(value) || piecesOf(value, names).some(({ name }) => name !== undefined) || hasWide(value, names)
  )
}

/** Separators too. Names may end with a dot themselves: one that does not is meant in a sentence alone, not in a field. */
function piecesOf(value: string, names: ReadonlySet<string>): { piece: string; name: string | undefined }[] {
  const isSentence = /\s/.test(value)
  return value.split(separators).map((piece) => {
    const bare = isSentence && !names.has(piece) ? piece.replaceAll(aroundWords, '') : piece
    return { piece, name: names.has(bare) ? bare : undefined }
  })
}

export function withoutNames(value: string, names: ReadonlySet<string>, erasure: string): string {
  if (names.has(value)) return erasure
  let left = piecesOf(value, names)
    .map(({ piece, name }) => (name === undefined ? piece : piece.replace(name, () => erasure)))
    .join('')
  for (const name of names) if (isWide(name)) left = left.replaceAll(name, () => erasure)
  return left
}

/** Names that hold a separator themselves, such as `Ada Lovelace`: wherever they stand. */
function hasWide(value: string, names: ReadonlySet<string>): boolean {
  return [...names].some((name) => isWide(name) && value.includes(name))
}

function isWide(name: string): boolean {
  return separators.test(name)
}

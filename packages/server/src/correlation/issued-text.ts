/**
 * The text of an event that issued a URL, read without JSON.parse of all of it: a matcher reads one for nearly each line of
 * a log. It knows how `broker/issued-event.ts` writes, and leaves every other text to JSON.parse.
 */
import type { AuditEvent } from '@signpost/contract'

/** What a matcher needs of it. */
export type IssuedEvent = Pick<
  AuditEvent,
  | 'at'
  | 'type'
  | 'decision'
  | 'principalId'
  | 'username'
  | 'apiKeyId'
  | 'address'
  | 'team'
  | 'connector'
  | 'bucket'
  | 'key'
  | 'action'
  | 'method'
  | 'grantId'
  | 'expiresAt'
  | 'marker'
  | 'signer'
  | 'signatureDigest'
  | 'partNumber'
  | 'details'
>

/** In the order in which they are written. `?`: not in all events; `-`: of no interest. */
const layout =
  'id- at type decision reason- principalId principalKind?- username apiKeyId keyKind?- address agent?- requestId?- ' +
  'team connector bucket key action method grantId expiresAt limitedBy- marker? signer signatureDigest'
const moreNames = new Set(['uploadId', 'partNumber', 'details'])

/** One pattern for the whole text takes a third of the time of JSON.parse. Texts with escapes are none of its. */
function patternOf(words: readonly string[]): RegExp {
  const value = String.raw`[^"\\\0-\x1f]*`
  const members = words.map((word, index) => {
    const name = word.replaceAll(/[?-]/g, '')
    const comma = index === 0 ? '' : ','
    const member = `${comma}"${name}":"${word.endsWith('-') ? value : `(${value})`}"`
    return word.includes('?') ? `(?:${member})?` : member
  })
  return new RegExp(String.raw`^\{${members.join('')}(?=[,}])`)
}

const pattern = patternOf(layout.split(' '))

/** Undefined: it is written otherwise. What is told is what JSON.parse tells. */
export function readIssuedText(text: string): IssuedEvent | undefined {
  const found = pattern.exec(text)
  if (!found) return undefined
  const more = moreIn(text, found[0].length)
  return more && eventOf(found, more)
}

type More = Pick<AuditEvent, 'partNumber' | 'details'>

const nothingMore: More = {}

function moreIn(text: string, at: number): More | undefined {
  if (at === text.length - 1 && text[at] === '}') return nothingMore
  if (!text.startsWith(',"', at)) return undefined
  try {
    const more = JSON.parse(`{${text.slice(at + 1)}`) as More
    return Object.keys(more).every((name) => moreNames.has(name)) ? more : undefined
  } catch {
    return undefined
  }
}

function eventOf(values: readonly (string | undefined)[], { partNumber, details }: More): IssuedEvent {
  return {
    at: values[1]!,
    type: values[2] as AuditEvent['type'],
    decision: values[3] as AuditEvent['decision'],
    principalId: values[4],
    username: values[5],
    apiKeyId: values[6],
    address: values[7],
    team: values[8],
    connector: values[9],
    bucket: values[10],
    key: values[11],
    action: values[12] as AuditEvent['action'],
    method: values[13],
    grantId: values[14],
    expiresAt: values[15],
    marker: values[16],
    signer: values[17],
    signatureDigest: values[18],
    partNumber,
    details,
  }
}

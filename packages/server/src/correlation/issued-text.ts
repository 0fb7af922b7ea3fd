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
  | 'partNumber'
  | 'details'
>

/** In the order in which they are written. `?`: not in all events; `-`: of no interest; `=`: only so. */
const layout =
  'id- at type=url.issue decision=allow reason- principalId principalKind?- username apiKeyId keyKind?- address agent?- requestId?- ' +
  'team connector bucket key action method grantId expiresAt limitedBy- marker? signer signatureDigest-'
const moreNames = new Set(['uploadId', 'partNumber', 'details'])

/** One pattern for the whole text takes a third of the time of JSON.parse. Texts with escapes are none of its. */
function patternOf(words: readonly string[]): RegExp {
  const value = String.raw`[^"\\\0-\x1f]*`
  const members = words.map((word, index) => {
    const [name = '', fixed] = word.replaceAll(/[?-]/g, '').split('=')
    const comma = index === 0 ? '' : ','
    const told = fixed?.replaceAll('.', String.raw`\.`) ?? (word.endsWith('-') ? value : `(${value})`)
    const member = `${comma}"${name}":"${told}"`
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
    type: 'url.issue',
    decision: 'allow',
    principalId: values[2],
    username: values[3],
    apiKeyId: values[4],
    address: values[5],
    team: values[6],
    connector: values[7],
    bucket: values[8],
    key: values[9],
    action: values[10] as AuditEvent['action'],
    method: values[11],
    grantId: values[12],
    expiresAt: values[13],
    marker: values[14],
    signer: values[15],
    partNumber,
    details,
  }
}

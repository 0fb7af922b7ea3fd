/**
 * Cuts out of a text what makes a URL or a request live: signatures, session tokens, keys. Access logs hold them, and
 * clients put them where they like (referer, user agent, a key), in any case and percent-encoded more than once. It runs
 * over every text of a record (`make-record.ts`), and over JSON and most lines before anything else looks at them.
 */

const cut = '[cut]'
/** So many times a name may be encoded. Nothing that a store takes is encoded more than once. */
const encodingsMax = 4
const nameCharactersMax = 128

/** Between name and value: `=` as it is, percent-encoded or escaped, and the colon of headers and JSON. */
const assignment = /=|%(?:25)*3d|\\(?:u00|x)3d|\\?["']\s{0,3}:\s{0,3}(?:\\?["'])?|:\s{0,3}/gi
const nameCharacter = /[A-Za-z0-9_.%\\+~*$-]/
/** A `?` ends it where a query begins anew, as in the `?q?q` of Ceph's ops log. */
const rawValue = /(?:[^&;?\s"'<>{}]|\?(?![^&=?\s]{1,128}=))*/y
const encodedValue = /(?:(?!%(?:25)*(?:26|22|27|3b|20|0a|0d)|\\(?:u00|x)(?:26|22|27|3b))[^&;\s"'<>{}])*/iy

/** Nothing else is called so, wherever it stands. Names without case, `-` and `_`. */
const secretAnywhere =
  /(?:amz|goog)(?:signature|securitytoken)$|(?:customer|encryption|secretaccess|secret)key$/
/** Might be part of an object key (`sig=1/part.parquet`): cut where they do not follow a slash. */
const secretInQuery =
  /^(?:.*(?:security|session|access|id|refresh|identity|bearer)token|signature|sig|tempurlsig|clientsecret|password|authorization|token)$/
/** Google's resumable uploads: whoever has it may write. S3's `uploadId` is no secret. */
const resumableUpload = /(?:^|[^a-z])upload_id$/i

const authorizationHeader = /\b(Bearer|Basic|SharedKey(?:Lite)?|AWS(?= [^\s:]+:))(\s|%20|\+)+[^\s"'&,]+/gi

/** No assignment is in them, and no blank that a scheme's name could stand before. */
const harmless = /^[\w./,@!()*~-]*$/
const harmlessArn = /^arn:aws(?:-cn|-us-gov)?:(?:iam|sts)::\d{12}:[\w./,@-]*$/
const harmlessWords = /^[\w./,@!()*~;[\] -]*$/
/** Of credentials, with the blank behind them. */
export const schemes = /(?:Bearer|Basic|SharedKey(?:Lite)?|AWS) /i

/** What is certain at a glance, for the texts of which most records are made. */
export function needsNoRedaction(text: string): boolean {
  if (harmless.test(text)) return true
  if (text.startsWith('arn:')) return harmlessArn.test(text)
  return harmlessWords.test(text) && !schemes.test(text)
}

export function redact(text: string): string {
  return cutAssignments(text.replace(authorizationHeader, `$1 ${cut}`))
}

function cutAssignments(text: string): string {
  let out = ''
  let copiedTo = 0
  let previous = 0
  assignment.lastIndex = 0
  for (;;) {
    const found = assignment.exec(text)
    if (!found) break
    // No name goes back beyond the assignment before it.
    const name = nameBefore(text, previous, found.index)
    previous = found.index
    if (found.index < copiedTo || !namesSecret(name)) continue
    const valueStart = assignment.lastIndex
    const value = found[0].startsWith('=') ? rawValue : encodedValue
    value.lastIndex = valueStart
    const [secret = ''] = value.exec(text) ?? []
    if (secret !== '') {
      out += `${text.slice(copiedTo, valueStart)}${cut}`
      copiedTo = valueStart + secret.length
      assignment.lastIndex = copiedTo
    }
  }
  return copiedTo === 0 ? text : out + text.slice(copiedTo)
}

/** With the character before it, which tells a parameter from a part of a path. */
function nameBefore(text: string, from: number, end: number): string {
  let start = end
  while (start > from && end - start < nameCharactersMax && nameCharacter.test(text[start - 1]!)) start -= 1
  return text.slice(Math.max(0, start - 1), end)
}

/** How the names above end, their last two letters or digits: what ends otherwise needs no closer look. */
const endings = new Set(['re', 'en', 'ey', 'ig', 'et', 'rd', 'on', 'id'])

function mayNameSecret(text: string): boolean {
  let end = ''
  for (let index = text.length - 1; index >= 0 && end.length < 2; index -= 1)
    if (/[A-Za-z0-9]/.test(text[index]!)) end = text[index]! + end
  return endings.has(end.toLowerCase())
}

function namesSecret(text: string): boolean {
  if (text.length < 3) return false
  const isEncoded = text.includes('%') || text.includes('\\')
  if (!isEncoded && !mayNameSecret(text)) return false
  const plain = isEncoded ? decoded(text) : text
  let start = plain.length
  while (start > 0 && nameCharacter.test(plain[start - 1]!)) start -= 1
  const name = plain.slice(start)
  if (resumableUpload.test(name)) return true
  const folded = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  return secretAnywhere.test(folded) || (plain[start - 1] !== '/' && secretInQuery.test(folded))
}

function decoded(text: string): string {
  let plain = text
  for (let times = 0; times < encodingsMax; times += 1) {
    const next = plain.replaceAll(
      /%([0-9a-f]{2})|\\(?:u00|x)([0-9a-f]{2})/gi,
      (_, percent?: string, escape?: string) =>
        String.fromCharCode(Number.parseInt(percent ?? escape ?? '', 16)),
    )
    if (next === plain) break
    plain = next
  }
  return plain
}

const cookies = /^(?:set-?)?cookie$/i
/** Deeper than any log. */
const depthMax = 32

/** A JSON value without what is secret by its name, and with redacted texts. Too deep values are cut as well. */
export function redactJson(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redact(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth === depthMax) return cut
  if (Array.isArray(value)) return value.map((item) => redactJson(item, depth + 1))
  const entries = Object.entries(value).map(([name, item]): [string, unknown] => [
    name,
    // Headers come as lists, too, and cookies of whoever sends one to a bucket are not for its log.
    item !== null && (namesSecret(` ${name}`) || cookies.test(name)) ? cut : redactJson(item, depth + 1),
  ])
  return Object.fromEntries(entries)
}

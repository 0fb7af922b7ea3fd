/** Most bytes of UTF-8 in a whole key on S3 and GCS; Azure allows 1,024 characters, which is never less. */
export const objectKeyBytesMax = 1024

/** Which rule a key breaks. Stable: it stands in audit events. */
export type KeyRule =
  | 'empty'
  | 'lone_surrogate'
  | 'control_character'
  | 'backslash'
  | 'leading_slash'
  | 'trailing_slash'
  | 'dot_segment'
  | 'too_long'

const sentences: Record<KeyRule, string> = {
  empty: 'must not be empty',
  lone_surrogate: 'must be well-formed Unicode: it holds a lone surrogate, which has no UTF-8 form',
  control_character: 'must not hold control characters (NUL, tab, line break and the like)',
  backslash: 'must not hold a backslash; use / between segments',
  leading_slash: 'must not begin with /',
  trailing_slash: 'must not end with /',
  dot_segment: 'must not hold a segment that is . or .., which every URL client would collapse',
  too_long: `must be at most ${objectKeyBytesMax} bytes of UTF-8, the prefix of the team included`,
}

/** A sentence for people, without a subject: "must not begin with /". */
export function keyRuleSentence(rule: KeyRule): string {
  return sentences[rule]
}

const plainKey = /^[\x20-\x5b\x5d-\x7e]+$/
/** Only literal dots matter: a client collapses `%2e` too, but the text `%2e` in a key is signed as `%252e`. */
const dotSegment = /(?:^|\/)\.{1,2}(?:\/|$)/
const controlCharacter = /\p{Cc}/u

/** Null: `key` may stand behind `prefix`. Else the first rule that it breaks. */
export function objectKeyProblem(prefix: string, key: string): KeyRule | null {
  if (key === '') return 'empty'
  const ends = endsProblem(key)
  if (ends) return ends
  // The common case costs one pass: printable ASCII is one byte a character.
  if (plainKey.test(key)) {
    if (dotSegment.test(key)) return 'dot_segment'
    return key.length + byteLength(prefix) > objectKeyBytesMax ? 'too_long' : null
  }
  return charactersProblem(key) ?? lengthOrDots(prefix, key)
}

/** The beginning of keys to list: may be empty, and may end anywhere, since it goes into the query and not the path. */
export function listPrefixProblem(teamPrefix: string, prefix: string): KeyRule | null {
  if (prefix === '') return null
  if (prefix.startsWith('/')) return 'leading_slash'
  const whole = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  return charactersProblem(prefix) ?? (lengthOrDots(teamPrefix, prefix, whole) || null)
}

/** A team's prefix: empty (the whole bucket), or a key with `/` behind it. */
export function teamPrefixProblem(prefix: string): KeyRule | 'no_slash_at_end' | null {
  if (prefix === '') return null
  if (!prefix.endsWith('/')) return 'no_slash_at_end'
  const key = prefix.slice(0, -1)
  return key === '' ? 'leading_slash' : objectKeyProblem('', key)
}

/** Relative to the team -> in the bucket. */
export function keyInBucket(prefix: string, key: string): string {
  return prefix + key
}

/** In the bucket -> relative to the team; null: it is not the team's. */
export function keyInTeam(prefix: string, key: string): string | null {
  return key.startsWith(prefix) ? key.slice(prefix.length) : null
}

/**
 * May an object that somebody else has named be carried behind `prefix` as it is? Segments of dots may lead out of it: some
 * clients and proxies collapse them, some take a backslash for a slash.
 */
export function isCarriedKey(prefix: string, key: string): boolean {
  return (
    key.isWellFormed() &&
    !dotSegment.test(key.replaceAll('\\', '/')) &&
    byteLength(prefix) + byteLength(key) <= objectKeyBytesMax
  )
}

function endsProblem(key: string): KeyRule | null {
  if (key.charCodeAt(0) === 47) return 'leading_slash'
  if (key.charCodeAt(key.length - 1) === 47) return 'trailing_slash'
  return null
}

function charactersProblem(key: string): KeyRule | null {
  if (!key.isWellFormed()) return 'lone_surrogate'
  if (controlCharacter.test(key)) return 'control_character'
  if (key.includes('\\')) return 'backslash'
  return null
}

function lengthOrDots(prefix: string, key: string, segments = key): KeyRule | null {
  if (dotSegment.test(segments)) return 'dot_segment'
  return byteLength(prefix) + byteLength(key) > objectKeyBytesMax ? 'too_long' : null
}

function byteLength(text: string): number {
  return Buffer.byteLength(text)
}

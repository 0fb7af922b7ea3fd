/**
 * The two spellings of a time that get signed: UTC, to the second, years 1970 to 9999. Not cut out of toISOString, which
 * costs as much as a signature's hash.
 */

/** ISO 8601 basic format, `20130524T000000Z` (SigV4, GOOG4); its first eight characters are the credential scope's day. */
export function basicTimestamp(epochMilliseconds: number): string {
  const at = new Date(epochMilliseconds)
  const day = `${at.getUTCFullYear()}${twoDigits(at.getUTCMonth() + 1)}${twoDigits(at.getUTCDate())}`
  return `${day}T${twoDigits(at.getUTCHours())}${twoDigits(at.getUTCMinutes())}${twoDigits(at.getUTCSeconds())}Z`
}

/** ISO 8601 extended format, `2013-05-24T00:00:00Z` (Azure, which signs times as they stand in the URL). */
export function extendedTimestamp(epochMilliseconds: number): string {
  const at = new Date(epochMilliseconds)
  const day = `${at.getUTCFullYear()}-${twoDigits(at.getUTCMonth() + 1)}-${twoDigits(at.getUTCDate())}`
  return `${day}T${twoDigits(at.getUTCHours())}:${twoDigits(at.getUTCMinutes())}:${twoDigits(at.getUTCSeconds())}Z`
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : `${value}`
}

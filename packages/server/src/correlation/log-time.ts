/** Instants as logs write them, in ms since the epoch; undefined for what is none. Never the machine's own time zone. */

const monthNames = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** `2026-11-23T12:00:00.123456789Z`; without a zone it is UTC, as every one of the logs says. */
export function isoTime(text: string | null): number | undefined {
  const found =
    /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|z| ?UTC|([+-])(\d\d):?(\d\d))?$/.exec(
      text ?? '',
    )
  if (!found) return undefined
  const [, year, month, day, hour, minute, second, fraction = ''] = found
  const at = instant(Number(year), Number(month), Number(day), Number(hour), Number(minute), Number(second))
  const milliseconds = Number(fraction.padEnd(3, '0').slice(0, 3))
  return at === undefined ? undefined : at + milliseconds - zone(found.slice(8))
}

/** `06/Feb/2019:00:00:38 +0000`, as web servers have always written it; versitygw writes the month in full. */
export function commonLogTime(text: string): number | undefined {
  // As S3 writes it, of which there are millions: no regular expression, no Date.
  if (text.length === 26 && text.endsWith(' +0000') && text[2] === '/' && text[6] === '/') {
    const month = (monthNames.indexOf(text.slice(3, 6)) >> 2) + 1
    const isPunctuated = text[11] === ':' && text[14] === ':' && text[17] === ':'
    if (month > 0 && isPunctuated)
      return instant(
        digits(text, 7, 4),
        month,
        digits(text, 0, 2),
        digits(text, 12, 2),
        digits(text, 15, 2),
        digits(text, 18, 2),
      )
  }
  const found = /^(\d\d)\/([A-Za-z]{3,9})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/.exec(text)
  if (!found) return undefined
  const [, day, name = '', year, hour, minute, second] = found
  const month = months.indexOf(name.slice(0, 3).toLowerCase()) + 1
  const at = instant(Number(year), month, Number(day), Number(hour), Number(minute), Number(second))
  return at === undefined ? undefined : at - zone(found.slice(7))
}

/** `20261123T120000Z` of SigV4. */
export function basicTime(text: string): number | undefined {
  if (text.length !== 16 || text[8] !== 'T' || text[15] !== 'Z') return undefined
  return instant(
    digits(text, 0, 4),
    digits(text, 4, 2),
    digits(text, 6, 2),
    digits(text, 9, 2),
    digits(text, 11, 2),
    digits(text, 13, 2),
  )
}

/** `2026-11-23T12:00:00.123Z` and nothing else, as Signpost's own events have it. */
export function ownTime(text: string): number | undefined {
  const isPunctuated =
    text[4] === '-' && text[7] === '-' && text[10] === 'T' && text[13] === ':' && text[16] === ':'
  if (text.length !== 24 || !isPunctuated || text[19] !== '.' || text[23] !== 'Z') return undefined
  const second = digits(text, 17, 2)
  const at = instant(
    digits(text, 0, 4),
    digits(text, 5, 2),
    digits(text, 8, 2),
    digits(text, 11, 2),
    digits(text, 14, 2),
    second,
  )
  const milliseconds = digits(text, 20, 3)
  return at === undefined || second > 59 || Number.isNaN(milliseconds) ? undefined : at + milliseconds
}

/** NaN for what is none. */
function digits(text: string, start: number, count: number): number {
  let value = 0
  for (let index = start; index < start + count; index += 1) {
    const digit = text.charCodeAt(index) - 48
    if (digit < 0 || digit > 9) return Number.NaN
    value = value * 10 + digit
  }
  return value
}

/** Seconds, milliseconds or microseconds since the epoch; from 1971 to 2286. */
export function epochTime(value: number | null, unitMilliseconds: number): number | undefined {
  if (value === null) return undefined
  const at = Math.floor(value * unitMilliseconds)
  return at >= 31_536_000_000 && at < 1e13 ? at : undefined
}

function zone([sign, hours, minutes]: readonly (string | undefined)[]): number {
  if (sign === undefined) return 0
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
}

function instant(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
): number | undefined {
  // A leap second is the second after it. Comparisons with NaN are false.
  if (!(hour <= 23 && minute <= 59 && second <= 60)) return undefined
  const midnight = midnightOf(year, month, day)
  return midnight === undefined ? undefined : midnight + ((hour * 60 + minute) * 60 + second) * 1000
}

function midnightOf(year: number, month: number, day: number): number | undefined {
  const lengthOfFebruary = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  const length =
    month === 2 ? lengthOfFebruary : month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
  if (!(year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= length)) return undefined
  // Days since the epoch in years that begin in March, so that 29 February is the last day of one; Date.UTC takes many times as long.
  const marchYear = month > 2 ? year : year - 1
  const days =
    365 * marchYear + Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400)
  return (days + Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 719_469) * 86_400_000
}

const [firstAt, endAt] = [Date.UTC(2000, 0), Date.UTC(2100, 0)]

/** What lies outside is no access to a bucket, and would make a list of all days of centuries. */
export function isTimeOfAccess(at: number): boolean {
  return at >= firstAt && at < endAt
}

/** Instants as logs write them, in ms since the epoch; undefined for what is none. Never the machine's own time zone. */

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** `2026-11-23T12:00:00.123456789Z`; without a zone it is UTC, as every one of the logs says. */
export function isoTime(text: string | null): number | undefined {
  const found =
    /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|z| ?UTC|([+-])(\d\d):?(\d\d))?$/.exec(
      text ?? '',
    )
  if (!found) return undefined
  const [, year, month, day, hour, minute, second, fraction = ''] = found
  return instant(
    [Number(year), Number(month), Number(day), Number(hour), Number(minute), Number(second)],
    Number(fraction.padEnd(3, '0').slice(0, 3)) - zone(found.slice(8)),
  )
}

/** `06/Feb/2019:00:00:38 +0000`, as web servers have always written it; versitygw writes the month in full. */
export function commonLogTime(text: string): number | undefined {
  const found = /^(\d\d)\/([A-Za-z]{3,9})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/.exec(text)
  if (!found) return undefined
  const [, day, name = '', year, hour, minute, second] = found
  const month = months.indexOf(name.slice(0, 3).toLowerCase()) + 1
  return instant(
    [Number(year), month, Number(day), Number(hour), Number(minute), Number(second)],
    -zone(found.slice(7)),
  )
}

/** `20261123T120000Z` of SigV4. */
export function basicTime(text: string): number | undefined {
  const found = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  if (!found) return undefined
  return instant(found.slice(1).map(Number), 0)
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

function instant(parts: readonly number[], plus: number): number | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
  // A leap second is the second after it.
  if (hour > 23 || minute > 59 || second > 60) return undefined
  const midnight = Date.UTC(year, month - 1, day)
  const date = new Date(midnight)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  return midnight + ((hour * 60 + minute) * 60 + second) * 1000 + plus
}

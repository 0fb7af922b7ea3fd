/** What the names of log files tell of their dates, so that not everything is listed each time. */
import type { LogFormatName } from '@signpost/contract'

const dayMs = 86_400_000

/**
 * A folder that ends with a date, whatever comes before: `2026/`, `2026/11/`, `2026/11/23/10/`, `2026-11-23/`,
 * `y=2026/m=11/d=23/h=10/m=00/`, `dt=2026-11-23/`.
 */
const dated =
  /(?:^|\/)(?:[a-z]+=)?(20\d\d)(?:[-/](?:[a-z]+=)?(\d{2}))?(?:[-/](?:[a-z]+=)?(\d{2}))?(?:\/(?:[a-z]+=)?\d{2}){0,2}\/$/

/** When what a folder's name says is over, in UTC; undefined: it names no date. */
export function endOfFolder(path: string): number | undefined {
  const [, year, month, day] = dated.exec(path) ?? []
  if (year === undefined) return undefined
  const [y, m, d] = [Number(year), Number(month), Number(day)]
  if (month === undefined) return Date.UTC(y + 1, 0)
  if (m < 1 || m > 12) return undefined
  if (day === undefined) return Date.UTC(y, m)
  return d < 1 || d > 31 ? undefined : Date.UTC(y, m - 1, d + 1)
}

/** Folders beside the logs, which hold no accesses (CloudTrail's digests and insights, CoreWeave's control plane). */
const besides = /(?:^|\/)(?:CloudTrail-(?!\/)[^/]*|control-plane)\/$/

export function isFolderOfLogs(path: string): boolean {
  return !besides.test(path)
}

const wanted: Partial<Record<LogFormatName, RegExp>> = {
  // Besides `_storage_`, which tells of sizes.
  'gcs-usage': /_usage_\d{4}_/,
  cloudtrail: /\.json(?:\.gz)?$/,
  'azure-resource': /\.json$/,
}

/** Is an object of this key a log file of this format, as far as names tell? */
export function isLogFile(format: LogFormatName, key: string): boolean {
  return !key.endsWith('/') && (wanted[format]?.test(key) ?? true)
}

/** How the keys of each day begin where there are no folders, from the day of `from` to the day of `to`. */
export function dayPrefixes(
  layout: 'flat' | 'gcs-usage',
  prefix: string,
  from: number,
  to: number,
): string[] {
  const days: string[] = []
  for (let at = Math.floor(from / dayMs) * dayMs; at <= to; at += dayMs) {
    const day = new Date(at).toISOString().slice(0, 10)
    days.push(layout === 'flat' ? prefix + day : `${prefix}_usage_${day.replaceAll('-', '_')}`)
  }
  return days
}

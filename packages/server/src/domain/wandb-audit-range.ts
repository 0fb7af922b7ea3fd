/** The range of dates that W&B's parameters name (docs `platform/hosting/monitoring-usage/audit-logging`, "Fetch audit logs"). */
import { SignpostError } from '@signpost/contract'

export interface WandbDates {
  startDate?: string | undefined
  endDate?: string | undefined
  numDays?: number | undefined
}

/** ms since the epoch; `to` is exclusive. */
export interface DateRange {
  from: number
  to: number
}

const dayMs = 86_400_000
const earliest = Date.parse('0001-01-01T00:00:00Z')
const latest = Date.parse('9999-12-31T23:59:59Z')

/**
 * In UTC. Without `startDate`: from midnight today, or `numDays` days before. Without `endDate`: until the end of the day that
 * is `numDays` days after the first.
 */
export function wandbRange({ startDate, endDate, numDays }: WandbDates, now: number): DateRange {
  if (endDate !== undefined && numDays !== undefined)
    throw invalid('numDays', 'does not go with endDate; send one')
  const days = numDays ?? 0
  const from = startDate === undefined ? midnight(now) - days * dayMs : instantOf('startDate', startDate)
  const to = endDate === undefined ? midnight(from) + (days + 1) * dayMs : instantOf('endDate', endDate)
  if (to < from) throw invalid('endDate', 'is before startDate (which is today 00:00 UTC unless told)')
  if (!(from >= earliest && to <= latest))
    throw invalid(
      numDays === undefined ? 'startDate' : 'numDays',
      'the range must lie within the years 1 to 9999',
    )
  return { from, to }
}

function midnight(at: number): number {
  return Math.floor(at / dayMs) * dayMs
}

/** `YYYY-MM-DD[THH[:mm[:ss]]]`; what is left out is zero. */
function instantOf(field: string, text: string): number {
  const match = /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d))?)?)?$/.exec(text)
  const [, day, hour = '00', minute = '00', second = '00'] = match ?? []
  const whole = `${day}T${hour}:${minute}:${second}.000Z`
  const at = Date.parse(whole)
  // 30 February and 24 o'clock are read as other moments.
  if (Number.isNaN(at) || new Date(at).toISOString() !== whole)
    throw invalid(field, 'must be YYYY-MM-DD, or with THH, THH:mm or THH:mm:ss behind it, in UTC')
  return at
}

function invalid(field: string, rule: string): SignpostError {
  return new SignpostError('invalid', `${field}: ${rule}.`, { field })
}

/** A log source's row: what it is set to, how far it was read, and how it is shown. */
import { LogSourceSettings, type LogSource, type LogFormatName } from '@signpost/contract'
import { isoOf } from '../../domain/instant.ts'
import type { NamedLogSourceRow } from '../../store/log-sources.ts'

/** A file on the server that grows: how much of it was handed on. */
export interface Tail {
  name: string
  /** Bytes from which its beginning is known again, and their digest. */
  headBytes: number
  head: string
  /** So far it was handed on. */
  offset: number
}

/** What the reader of a source keeps. Times in ms since the epoch. */
export interface ReadingProgress {
  listedAt?: number
  /** When everything was listed last, whatever its date. */
  listedWholeAt?: number
  /** How long it took to list. */
  tookMs?: number
  /** What went wrong the last time. */
  problem?: string
  /** By what names the file on its disk. */
  tails?: Record<string, Tail>
}

export function settingsOf({ settings }: Pick<NamedLogSourceRow, 'settings'>): LogSourceSettings {
  return LogSourceSettings.parse(JSON.parse(settings))
}

export function progressOf({ progress }: Pick<NamedLogSourceRow, 'progress'>): ReadingProgress {
  return progress === '' ? {} : (JSON.parse(progress) as ReadingProgress)
}

export interface FileNumbers {
  waiting: number
  failed: number
}

export function shownLogSource(
  row: NamedLogSourceRow,
  { waiting, failed }: FileNumbers,
  now: number,
): LogSource {
  const { listedAt, problem } = progressOf(row)
  const { last_access_at: accessAt, last_arrival_at: arrivalAt } = row
  return {
    name: row.name,
    connector: row.connector,
    format: row.format as LogFormatName,
    settings: settingsOf(row),
    createdAt: isoOf(row.created_at),
    state: {
      lastAccessAt: accessAt === null ? null : isoOf(accessAt),
      lastArrivalAt: arrivalAt === null ? null : isoOf(arrivalAt),
      lastListedAt: listedAt === undefined ? null : isoOf(listedAt),
      lagSeconds: accessAt === null ? null : Math.max(0, Math.round((now - accessAt) / 1000)),
      waiting,
      failed,
      lines: row.lines,
      records: row.records,
      unparsed: row.unparsed,
      problem:
        problem ??
        (isOrphan(row)
          ? 'Its connector was deleted; what comes is put beside the URLs of then. Give it another one, or remove it.'
          : null),
    },
  }
}

/** It told of one bucket only, and that is connected no more. */
export function isOrphan({ connector_id, connector }: NamedLogSourceRow): boolean {
  return connector_id !== null && connector === null
}

/** What reading a log into the database stands on, and what it is asked: the work is in `ingest.ts`. */
import type { AuditEvent, FileCounts } from '@signpost/contract'
import type { Store } from '../store/store.ts'
import type { LineContext } from './access-log-record.ts'

export interface IngestDeps {
  store: Pick<Store, 'db' | 'engine' | 'commit' | 'findGrants'>
  /** ms since the epoch */
  clock: () => number
  /** A new UUIDv7. */
  newId: () => string
  /** Whether the agent is that of Signpost's own calls. Left out: none is. */
  isOwnAgent?: (agent: string | null) => boolean
}

/** Who has it read; left out: nobody, it is the server's own work. */
export type IngestCaller = Pick<
  AuditEvent,
  'principalId' | 'principalKind' | 'username' | 'apiKeyId' | 'keyKind' | 'address' | 'agent' | 'requestId'
>

/** One file of a log. `log_files` has one row for each (source, name, version); it is made if it is not there. */
export interface IngestedFile {
  sourceId: string
  fileName: string
  /**
   * ETag or digest. A function is asked when all bytes were read, for who has to read them to know it: then the row has
   * a name of its own until then, and is dropped where the file turns out to be known.
   */
  version: string | (() => string)
  /** With a function as the version: called where these bytes were read before, and told nothing new. */
  onKnown?: () => void
  /** Name of a `LogFormat`. */
  format: string
  context?: LineContext
  bytes: AsyncIterable<Uint8Array>
  by?: IngestCaller
  /** After each batch; what it throws stops the reading, and the file may be read again. */
  progress?: (counts: FileCounts) => void | Promise<void>
}

/** Lines (or JSON records) as a store sends them, a delivery at a time. */
export interface IngestedLines {
  sourceId: string
  /** What the delivery is called; the same name and version twice is the same delivery. */
  fileName: string
  version: string
  format: string
  context?: LineContext
  lines: readonly string[]
  by?: IngestCaller
}

/** Resolves when all is written. What the bytes' source throws is thrown; what was read before is kept, and not doubled later. */
export type IngestFile = (deps: IngestDeps, file: IngestedFile) => Promise<FileCounts>
export type IngestRecords = (deps: IngestDeps, delivery: IngestedLines) => Promise<FileCounts>

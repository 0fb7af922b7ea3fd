import type { AuditEvent, FileCounts } from '@signpost/contract'
import { isoOf } from '../domain/instant.ts'
import type { IngestDeps, IngestedFile } from './ingest-types.ts'

/** That a file was read, and what was in it: once a file. */
export function ingestEvent(
  { newId, clock }: Pick<IngestDeps, 'newId' | 'clock'>,
  { fileName, format, by }: IngestedFile,
  counts: FileCounts,
): AuditEvent {
  const { lines, records, known, elsewhere, unparsed, former } = counts
  return {
    id: newId(),
    at: isoOf(clock()),
    type: 'logs.ingest',
    decision: 'allow',
    reason: by === undefined ? 'log_source' : 'logs_ingest',
    ...by,
    details: {
      file: fileName.toWellFormed(),
      format,
      lines,
      records,
      known,
      elsewhere,
      unparsed,
      ...(former === undefined ? {} : { former }),
    },
  }
}

import type { Generated } from 'kysely'
import type { Finding } from '@signpost/contract'

/** The tables of access logs; `tables.ts` has the rules for all. */
export interface CorrelationTables {
  log_sources: {
    id: string
    name: string
    connector_id: string | null
    /** Name of a `LogFormat`, or `auto`. */
    format: string
    /** JSON */
    settings: string
    /** JSON */
    progress: string
    created_at: number
    lease_until: Generated<number>
    lease_owner: Generated<string | null>
    /** SHA-256, hex. */
    token_hash: Generated<string | null>
    lines: Generated<number>
    records: Generated<number>
    unparsed: Generated<number>
    last_access_at: Generated<number | null>
    last_arrival_at: Generated<number | null>
  }
  log_files: {
    id: Generated<number>
    source_id: string
    name: string
    version: string
    state: 'waiting' | 'reading' | 'done' | 'failed'
    lease_until: number
    lease_owner: string | null
    found_at: number
    read_at: number | null
    /** JSON: `FileCounts`. */
    counts: string
    problem: string | null
    tries: Generated<number>
    next_try_at: Generated<number>
    /** 1: alerts have looked at what it told. */
    alerted: Generated<number>
    /** Of its unparsed lines, those that are no longer counted. */
    dismissed: Generated<number>
    /** Up to this line none is kept again. */
    dismissed_through: Generated<number>
  }
  log_deliveries: {
    id: Generated<number>
    source_id: string
    received_at: number
    /** Lines or JSON records. */
    body: string
    /** Row of `log_files` that it is read with; null: none yet. */
    file_id: number | null
  }
  unparsed_lines: {
    file_id: number
    line: number
    reason: string
    text: string
  }
  access_log_records: {
    at: number
    /** As text where it is beyond what a number holds exactly: see `access-log-records.ts`. */
    digest: number
    file_id: number
    connector_id: string
    finding: Finding
    principal_id: string | null
    username: string | null
    team: string | null
    grant_id: string | null
    object_key: string | null
    key_place: number | null
    address: string | null
    bytes: number | null
    /** JSON: `AccessEvidence`. */
    evidence: string
  }
}

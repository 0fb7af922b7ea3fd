/** The tables of audit sinks; `tables.ts` has the rules for all. */
export interface SinkTables {
  audit_sinks: {
    id: string
    name: string
    enabled: number
    kind: 'files' | 'syslog' | 'webhook' | 'otlp'
    /** JSON */
    settings: string
    /** JSON; empty: all events. */
    filter: string
    /** JSON, sealed; empty: none. */
    sealed_secrets: string
    version: number
    created_at: number
    lease_until: number
    lease_owner: string | null
    /** In a row. */
    failures: number
    next_try_at: number
    problem: string | null
    sent: number
    rejected: number
    last_sent_at: number | null
  }
  audit_sink_positions: {
    sink_id: string
    chain: string
    seq: number
    planned_seq: number | null
  }
}

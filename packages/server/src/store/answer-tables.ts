import type { Finding } from '@signpost/contract'
import type { Generated } from 'kysely'

/** What people made of findings, and alerts; `tables.ts` has the rules for all. */
export interface AnswerTables {
  finding_states: {
    at: number
    digest: number
    state: 'open' | 'acknowledged'
    note: string
    changed_by: string
    changed_at: number
  }
  alerts: {
    id: string
    name: string
    /** JSON */
    settings: string
    /** JSON, sealed: address and secret. */
    target: string
    created_at: number
    created_by: string
  }
  alert_tallies: {
    alert_id: string
    finding: Finding
    connector_id: string
    count: number
    first_at: number
    last_at: number
    /** JSON: ids. */
    examples: string
    told_at: Generated<number>
  }
  alert_messages: {
    id: string
    alert_id: string
    body: string
    created_at: number
    tries: Generated<number>
    next_try_at: Generated<number>
    sent_at: number | null
    problem: string | null
  }
}

/** The tables of what may leave the trail, and what may not; `tables.ts` has the rules for all. */
export interface RetentionTables {
  /** One row, with id 1. */
  audit_retention: {
    id: number
    /** null: kept for good */
    trail_days: number | null
    access_log_days: number | null
    unparsed_days: number | null
    /** Counts changes of the policy and of holds. */
    revision: number
  }
  audit_holds: {
    id: string
    name: string
    reason: string
    username: string | null
    team: string | null
    from_at: number | null
    to_at: number | null
    created_at: number
  }
  /** Beginnings of chains that may be deleted. */
  audit_expiries: {
    chain: string
    through_seq: number
    hash: string
  }
  /** Events whose texts may be exchanged for such as name this erasure. */
  audit_erasures: {
    chain: string
    seq: number
    erasure_id: string
  }
}

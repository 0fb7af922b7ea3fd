import type { KeyKind } from '@signpost/contract'
import type { Generated } from 'kysely'

import type { AccessTables } from './access-tables.ts'
import type { AnswerTables } from './answer-tables.ts'
import type { CorrelationTables } from './correlation-tables.ts'
import type { RetentionTables } from './retention-tables.ts'
import type { SinkTables } from './sink-tables.ts'

/**
 * The tables as Kysely sees them. Times are ms since the epoch (bigint), flags are 0 or 1 (smallint), JSON is text: the
 * common subset of SQLite and PostgreSQL. Column names are snake_case.
 */
export interface Tables extends RetentionTables, AccessTables, AnswerTables, CorrelationTables, SinkTables {
  principals: {
    id: string
    kind: 'user' | 'serviceAccount'
    /** Unique over both kinds, by bytes. */
    username: string
    display_name: string | null
    /** Name of a built-in role or of one in `roles`. */
    organisation_role: string
    /** A service account of one team; null: of the organisation. */
    team_id: string | null
    active: number
    scid: string
    pseudonym: string
    created_at: number
    /** What a directory says further, JSON; empty: nothing. */
    profile: Generated<string>
    external_id: Generated<string | null>
    updated_at: Generated<number>
    /** `provider:<id>:<role>` where groups gave the role of the organisation; empty: made by hand. */
    role_came_by: Generated<string>
  }
  /** Sessions, access tokens and share links too. */
  api_keys: {
    /** The public prefix. */
    id: string
    principal_id: string
    name: string
    /** SHA-256 of the secret half, hex. */
    secret_hash: string
    created_at: number
    expires_at: number | null
    last_used_at: number | null
    kind: Generated<KeyKind>
    /** JSON; empty: whatever its owner may. */
    scope: Generated<string>
    /** It ends when it was not used for so long; null: it does not. */
    idle_ms: Generated<number | null>
    /** `provider:<id>`, `trust:<id>`, `device`; an API key's `by:<id>` is who made it; empty: its owner, by hand. */
    came_by: Generated<string>
  }
  used_logins: {
    /** SHA-256 of its `state`, hex. */
    id: string
    expires_at: number
  }
  teams: {
    id: string
    name: string
    connector_id: string | null
    prefix: string
    created_at: number
    /** JSON; empty: none. */
    policy: string
    /** What a directory says further, JSON; empty: nothing. */
    profile: Generated<string>
    external_id: Generated<string | null>
    updated_at: Generated<number>
  }
  members: {
    team_id: string
    principal_id: string
    /** Name of a built-in role or of one in `roles`. */
    role: string
    since: number
    /** `provider:<id>` where groups of an identity provider gave it; empty: made by hand. */
    came_by: Generated<string>
  }
  connectors: {
    id: string
    name: string
    team_id: string | null
    is_default: number
    version: number
    kind: 's3' | 'gcs' | 'azure'
    /** Where the bucket is, in one comparable line: kind, host, account, bucket. Two connectors with the same open the same bucket. */
    location: string
    /** Settings without the credential's secret half, JSON. */
    settings: string
    /** The credential, sealed with the master key. */
    sealed_credential: string
    created_at: number
    /** JSON; empty: none. */
    policy: string
    /** Sessions from before then are not used any more; 0: all are. */
    sessions_from: Generated<number>
  }
  /** Those that were deleted. */
  former_connectors: {
    id: string
    name: string
    kind: 's3' | 'gcs' | 'azure'
    location: string
    /** As they were, JSON. */
    settings: string
    deleted_at: number
  }
  uploads: {
    id: string
    team_id: string
    principal_id: string
    connector_id: string
    /** Object key in the bucket, prefix included. */
    object_key: string
    store_upload_id: string
    state: 'open' | 'completed' | 'aborted'
    size_bytes: number | null
    part_size_bytes: number
    content_type: string | null
    create_only: number
    /** Of the whole object, JSON; empty: none was given. */
    checksum: string
    created_at: number
    expires_at: number
  }
  verifications: {
    grant_id: string
    team_id: string
    principal_id: string
    connector_id: string
    /** Object key in the bucket, prefix included. */
    object_key: string
    /** JSON: the constraints that were asked for. */
    expected: string
    state: 'waiting' | 'passed' | 'failed' | 'absent'
    /** JSON: failed, outcome; empty while it waits. */
    result: string
    created_at: number
    due_at: number
  }
  doctor_reports: {
    connector_id: string
    at: number
    /** JSON of the answer. */
    report: string
  }
  moves: {
    id: string
    team_id: string
    principal_id: string
    from_connector_id: string
    from_prefix: string
    to_connector_id: string
    to_prefix: string
    state: 'copying' | 'settling' | 'done' | 'failed' | 'cancelled'
    /** JSON: counts, where the listing stands, the problem. */
    progress: string
    settles_at: number | null
    created_at: number
    updated_at: number
    /** Which process is at work on it; empty: none. */
    lease_owner: string
    lease_until: number
  }
  moved_objects: {
    move_id: string
    /** Relative to the team. */
    object_key: string
    /** Version in the old place that the new place holds or has gone beyond; empty: none was there; `?`: not known. */
    covered: string
    /** Version in the new place that is the move's copy; empty: there is none; `?`: one may be half made. */
    copied: string
    /** Until then somebody may hold a URL to write it in the new place. */
    write_until: number
    /** Until then somebody copies it. */
    claimed_until: number
    revision: number
  }
  idempotency_keys: {
    principal_id: string
    idempotency_key: string
    /** HMAC-SHA-256 of operation, parameters and body, hex. */
    request_hash: string
    status: number
    /** The answer, JSON, without what is shown once. */
    reply: string
    created_at: number
  }
  /** What events in a row (of one write unit) have in common: one row for all the URLs of a batch. */
  audit_runs: {
    chain: string
    first_seq: number
    last_seq: number
    at: number
    type: string
    decision: 'allow' | 'deny'
    principal_id: string | null
    username: string | null
    team: string | null
  }
  audit_events: {
    chain: string
    seq: number
    /** `first_seq` of its run. */
    run_seq: number
    at: number
    object_key: string | null
    /** Slot and hash of the object key (`key-place.ts`): what is indexed. */
    key_place: number | null
    grant_id: string | null
    /** The event's JSON, exactly as hashed. */
    event: string
    hash: string
  }
  audit_chains: {
    chain: string
    opened_at: number
    head_seq: number
    head_hash: string
    /** How far a later chain's opening has anchored this one. */
    anchored_seq: number
    /** The slot of its first event (`key-place.ts`); no two chains begin with the same. */
    first_slot: number
  }
  checkpoints: {
    number: number
    at: number
    /** SHA-256 of the text that is signed, hex. */
    digest: string
    /** The key that signed it, as a signed note's verifiers read it. */
    public_key: string
    /** The key that signs from the next one on, where that is another; else empty. */
    next_key: string
    note: string
  }
  /** How far each chain was in the newest checkpoint. */
  checkpoint_heads: {
    chain: string
    seq: number
    hash: string
  }
  checkpoint_keys: {
    public_key: string
    sealed_key: string
    created_at: number
  }
}

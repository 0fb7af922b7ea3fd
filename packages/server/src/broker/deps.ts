import type { KeyObject } from 'node:crypto'
import type {
  AuditEventType,
  AuditSink,
  LogSource,
  OperationId,
  ParsedInput,
  Reply,
  SecretReference,
} from '@signpost/contract'
import type { AccessRules, StoredRules } from '../domain/access-rules.ts'
import type { Audiences } from '../domain/audience.ts'
import type { ConnectorRecord, OpenConnector } from '../domain/connector.ts'
import type { IngestFile } from '../correlation/ingest-types.ts'
import type { LogFolders } from '../domain/log-folder.ts'
import type { OpenId } from '../domain/open-id.ts'
import type { IdentityTokens } from '../domain/identity-token.ts'
import type { EffectivePolicy } from '../domain/policy.ts'
import type { CallContext, Principal } from '../domain/principal.ts'
import type { SendBatch } from '../sinks/index.ts'
import type { Store } from '../store/store.ts'
import type { BatchRooms } from './batch-rooms.ts'
import type { Looks } from './verification/looks.ts'

/** What the use cases stand on. Made in `app.ts`; nothing here is global. */
export interface BrokerDeps {
  store: Store
  connectors: ConnectorPool
  secretBox: SecretBox
  policy: Policy
  /** What server, connector and team say together; arguments are the two policies as stored. */
  policies: (connectorPolicy: string, teamPolicy: string) => EffectivePolicy
  /** Restricted prefixes, restrictions and budgets, as they were read with a target. */
  rules: (stored: StoredRules) => AccessRules
  /** ms since the epoch */
  clock: () => number
  /** A new UUIDv7 (time-ordered): ids of events, grants, rows. */
  newId: () => string
  /** Keys of checkpoints that the operator gives; left out: this server makes its own. */
  checkpointKeys?: CheckpointKeys
  /** Random bytes from the system's generator. */
  randomBytes: (size: number) => Uint8Array
  /** For the doctor, who uses signed URLs as a client would. */
  fetch: typeof fetch
  /** Whether a log tells of a call of Signpost's own, as far as its User-Agent says. Left out: nothing is. */
  isOwnAgent?: (agent: string | null) => boolean
  /** Access logs on this server; left out: there are none. */
  logFolders?: LogFolders
  /** Reads one log file into the database. Left out: none is read. */
  ingestFile?: IngestFile
  /** For issuers and identity providers: nothing internal unless it is allowed, no redirects, small answers, in time. */
  guardedFetch: (allowInternal: boolean) => typeof fetch
  /** Logins by OpenID Connect. */
  openId: OpenId
  /** What a reference refers to; throws `credential_unavailable`. */
  readSecret: (reference: SecretReference) => string
  /** Records refusals of those who are nobody yet: one by one, or counted where there are many. */
  refusals: {
    record(
      call: CallContext,
      refused: { type?: AuditEventType; reason: string; details?: Record<string, string> },
    ): Promise<void>
  }
  /** Origin under which browsers reach this server. */
  publicUrl: () => string
  /** What platforms sign for their workloads. */
  identityTokens: IdentityTokens
  /** Pages that buckets are to let in, unless a call names others. */
  browserOrigins?: readonly string[]
  /** Starts work beside the request; it ends when the signal says so. Left out: it is not done. */
  beside?: (name: string, work: (signal: AbortSignal) => Promise<void>) => void
  /** One look at a time at a write, or at a bucket; left out: as many as are asked for. */
  looks?: Looks
  /** Left out: each batch makes its own. */
  rooms?: BatchRooms
  /** This principal was just allowed something in this team. Left out: nobody remembers. */
  noteTeamUse?: (principalId: string, teamId: string, at: number) => void
  /** For the metrics: what the doctor found. */
  noteDoctor?: (connector: string, ok: boolean) => void
  /** For the metrics: all log sources there are. */
  noteLogSources?: (sources: readonly LogSource[]) => void
  /** Sends audit events to where the organisation wants them. Left out: nothing is sent but files into buckets. */
  sendToSink?: SendBatch
  /** For the metrics: all audit sinks there are. */
  noteAuditSinks?: (sinks: readonly AuditSink[]) => void
  log: Log
}

export interface CheckpointKeys {
  given?: KeyObject
  /** The one before it, for announcing it; `lost`: nobody has it, go on without. */
  previous?: KeyObject | 'lost'
}

/** The part of pino that is used. Never given a secret, a URL or a token. */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface Policy {
  readSecondsDefault: number
  readSecondsMax: number
  writeSecondsDefault: number
  writeSecondsMax: number
  /** Life of an upload that nobody completes. */
  uploadSecondsMax: number
  /** Longest life of an API key, and that of one that is made without; 0: they need not expire. */
  apiKeySecondsMax: number
  /** Custom endpoints are for organisation admins, unless this is set. */
  teamAdminsMaySetEndpoints: boolean
}

/** A stored connector that is open, with what an audit event says of it. */
export interface NamedConnector {
  id: string
  name: string
  bucket: string
  /** Other addresses for clients; undefined: none. */
  audiences: Audiences | undefined
  connector: OpenConnector
}

/** Opens connectors once per (id, version) and keeps them. */
export interface ConnectorPool {
  /** At once where it is open already. Throws `credential_unavailable` if the stored credential cannot be opened with the master key. */
  open(connectorId: string, version: number): NamedConnector | Promise<NamedConnector>
  /** The stored record, decrypted. */
  record(connectorId: string): Promise<ConnectorRecord | undefined>
  /**
   * Looks whether what open connectors refer to has changed, and takes new credentials that their buckets take. Run by a
   * timer, beside the requests.
   */
  lookAtReferences(): Promise<void>
  /** Why what an open connector refers to is not taken at present; undefined: it is, or it refers to nothing. */
  heldBack(connectorId: string): string | undefined
  /** Opens settings that are not stored (yet): the caller closes it. */
  openUnsaved(settings: ConnectorRecord['settings']): OpenConnector
  close(): Promise<void>
}

/** Seals credentials for the database: AES-256-GCM under the master key, bound to its row. */
export interface SecretBox {
  seal(plain: string, boundTo: string): string
  open(sealed: string, boundTo: string): string
  /** Sealed with the present master key, not with the one before it. */
  isPresent(sealed: string): boolean
  /** Tells whether two texts are the same, and lets nobody without the master key try out what they were. Hex. */
  fingerprint(text: string): string
  /** Made of this text, with the present master key or the one before it. */
  isFingerprint(fingerprint: string, text: string): boolean
}

/** Who calls, and by which call. */
export interface Caller {
  principal: Principal
  call: CallContext
}

/**
 * One use case for each operation of the contract; a missing one does not compile. A streamed operation yields its lines:
 * as values, or as strings of one or more whole lines. What is refused as a whole is thrown before the first of them.
 */
export type Handlers = {
  [Id in OperationId]: (
    deps: BrokerDeps,
    caller: Caller,
    input: ParsedInput<Id> & { idempotencyKey?: string },
  ) => Promise<Reply<Id>> | AsyncIterable<Reply<Id> | string | Uint8Array>
}

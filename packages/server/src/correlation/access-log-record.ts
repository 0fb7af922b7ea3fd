import type { LogFormatName } from '@signpost/contract'

/**
 * One access that a bucket's own log tells of, in the words of all formats. A parser makes it, or says why it cannot; it
 * never throws and never guesses. No signature, token or secret is in it: parsers cut them out first (`redact.ts`).
 */
export interface AccessLogRecord {
  /** What makes the same access the same when it is delivered twice: the log's own ids, else a digest of the line. */
  identity: string
  /** ms since the epoch; `end`: the log tells the end of the request, not its beginning. */
  at: number
  atIs: 'start' | 'end' | 'unknown'
  /** ms since the epoch: when the request began, where the log tells that beside its end; null: it does not. */
  startedAt: number | null
  /** Of Azure: the container. */
  bucket: string | null
  /** Azure's storage account, without which a container's name is not unique. */
  account: string | null
  /** Object key in the bucket, decoded; null: the log does not tell one. */
  key: string | null
  action: 'read' | 'write' | 'delete' | 'list' | 'other'
  /** As the log names it, such as REST.GET.OBJECT. */
  operation: string
  method: string | null
  /** HTTP status; null: not told. */
  status: number | null
  /** By status or, in logs that tell none, by what else they say of it; null: not told. */
  succeeded: boolean | null
  errorCode: string | null
  /** The client's, without a port. */
  address: string | null
  agent: string | null
  /** The store's own id of the request. */
  requestId: string | null
  /** Who signed, as the store itself found it: access key id, ARN, service account, object id. All that is told. */
  signers: readonly string[]
  /**
   * Whom the URL names as its signer. A claim, as anybody may write a URL: it counts where the store took the signature
   * of that URL. Null too where it names several.
   */
  urlSigner: string | null
  /** `unknown`: this line does not say; `untold`: no line of this log does, nor who signed. */
  authentication: 'query' | 'header' | 'none' | 'unknown' | 'untold'
  /**
   * Every value found under a name that is ours in any case or encoding: more than one is tampering. One value under two names
   * (`X-User`, `x-goog-custom-audit-user`), as Google's URLs have it, is one.
   */
  markers: {
    /** X-User, x-goog-custom-audit-user, scid */
    user: readonly string[]
    /** X-Grant, x-goog-custom-audit-grant */
    grant: readonly string[]
  }
  /** Names of markers as they stood, where they were not exactly ours; never more than eight. */
  oddNames: readonly string[]
  /** Of the URL, in ms: when it was signed, and when it ends. Null too where its parameters contradict each other. */
  signedAt: number | null
  expiresAt: number | null
  bytesSent: number | null
  bytesReceived: number | null
  /** Upload (of Azure: the block's name) and part of it, as the store names them. */
  uploadId: string | null
  partNumber: number | null
  /** What in the line is not as it should be; nothing that depends on it was believed. */
  doubts: readonly Doubt[]
}

export type Doubt =
  /** A count of columns that no known layout has: those after the user agent were not believed. */
  | 'columns'
  /** Quotes inside quoted columns: those after them may be the client's invention and were not believed. */
  | 'quotes'
  /** The log's column and the request's path name different keys (or the path cannot be read). */
  | 'key'
  /** One line for many objects. */
  | 'many-keys'
  /** The log's word for the authentication contradicts the request. */
  | 'authentication'
  /** The marker stands where nobody signed it, as `scid` in a SAS of a shared key. */
  | 'unsigned-marker'

export type ParsedLine =
  | { outcome: 'record'; record: AccessLogRecord }
  /** Known and of no interest: a header, a "log starts" line, an empty one. */
  | { outcome: 'skipped'; reason: string }
  /** Kept and counted. */
  | { outcome: 'unparsed'; reason: UnparsedReason; text?: string }

export type UnparsedReason =
  /** Longer than a line may be; never held in memory. */
  | 'too-long'
  /** gzip or zstd that does not hold what it should; what came before it was read. */
  | 'compression'
  /** Packed with zstd, which Node unpacks from 22.15 on (24 is what Signpost brings along): nothing of it was read. */
  | 'no-zstd'
  /** Unpacks to more than is taken from one file. */
  | 'too-large'
  | 'not-json'
  | 'not-csv'
  /** The format's columns or fields are not there. */
  | 'fields'
  | 'time'
  /** The request line is not `METHOD URI HTTP/x.y`. */
  | 'request-line'
  /** versitygw's file, which cannot be read without guessing: its webhook can. */
  | 'unquoted-columns'

/** What a parser may need to know of the file that a line stands in. */
export interface LineContext {
  /** Header line of a CSV, once seen. */
  header?: readonly string[] | undefined
  /** For logs of one bucket that do not name it. */
  bucket?: string | undefined
  /** How URLs of this bucket are written, for logs that tell no host: without it, a path that begins with the bucket's name is path style. */
  addressing?: 'path' | 'virtual' | undefined
  /** Names of fields, where a format is mapped by configuration (CoreWeave). */
  fields?: Readonly<Record<string, string>> | undefined
}

/** One file a format (`formats/`), registered in `formats/index.ts`. */
export interface LogFormat {
  name: LogFormatName
  /** What this log is, for help texts. */
  title: string
  /**
   * `lines`: one record a line. `csv`: the same, after a header line. `json`: objects, one a line or in arrays or in the
   * array of a document (CloudTrail's `Records`, Azure's `records`).
   */
  shape: 'lines' | 'csv' | 'json'
  /** One line (or one record of a document, as JSON text) -> what it says. */
  parse(text: string, context: LineContext): ParsedLine
}

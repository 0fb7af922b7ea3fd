/** What callers of this package hand in and get back. */

/** One key pair that may sign. `sessionToken` makes it a temporary credential: each request must then carry the token. */
export interface LocalStoreCredential {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
  /** Milliseconds since the epoch; later requests are refused as with an expired session. */
  expiresAt?: number
  /** The only buckets that this key may touch; all of them when absent. */
  buckets?: readonly string[]
}

export interface LocalStoreOptions {
  /** Made when absent, mode 0700. One process at a time. */
  dataDir: string
  /** Address to listen on; default 127.0.0.1. */
  host?: string
  /** 0 (the default) takes a free one. */
  port?: number
  credentials: readonly LocalStoreCredential[]
  /** The region that credential scopes must name; default us-east-1. */
  region?: string
  /** Milliseconds since the epoch; default Date.now. */
  clock?: () => number
  /** The longest that a whole request may take to arrive; default 3600. A connection that stands still ends after 60. */
  requestTimeoutSeconds?: number
  /** The largest object, however it is uploaded; default 5 TiB. One PUT or part is limited to 5 GiB besides. */
  maxObjectBytes?: number
  /** Requests in progress at once; more are answered 503 SlowDown. Default 512. */
  maxConcurrentRequests?: number
  /** The access log turns over at this size (default 64 MiB) and keeps that many older files (default 4). */
  accessLogMaxBytes?: number
  accessLogFilesKept?: number
}

export interface LocalStore {
  /** `http://host:port`, without a slash at the end. */
  endpoint: string
  port: number
  accessLogFile: string
  /** Makes the bucket if it does not exist. */
  createBucket(name: string): Promise<void>
  /** Lets requests in progress end (at most 10 seconds), then closes everything. */
  close(): Promise<void>
}

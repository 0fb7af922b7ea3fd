/** A store that logs what is done to it, with all that it takes to use it honestly and to attack it. */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { CallInput, LogFormatName, UrlMethod } from '@signpost/contract'

export type Settings = NonNullable<CallInput<'createConnector'>['body']['settings']>

/** A URL that somebody signs around Signpost, with a key that they have. */
export interface Forgery {
  /** `own`: what signs for the bucket; `other`: somebody else's, that the store takes as well. */
  by: 'own' | 'other'
  method: 'GET' | 'PUT' | 'DELETE'
  /** In the bucket. */
  key: string
  user?: string
  grant?: string
  /** ms since the epoch */
  signedAt: number
  expiresAt: number
}

export interface BucketKey {
  accessKeyId: string
  secretAccessKey: string
}

export interface LoggedStore {
  /** Of the connectors `one`, `two` and so on; of each a team. All lead to one bucket. */
  connectors: readonly {
    settings: (name: string) => Settings
    /** What its URLs name: the grant, the user alone, or nobody. */
    names: 'grant' | 'user' | 'nobody'
  }[]
  bucket: string
  format: LogFormatName
  logFile: string
  /** For the server that is to trust it. */
  env: Record<string, string>
  ca?: string
  tells: {
    /** Else its lines have no agent. */
    agents: boolean
    /** Else the same request twice in a second is one line. */
    ids: boolean
    /** Else requests whose signature was refused are left out. */
    refusals: boolean
    /** When requests began; else when they ended. */
    beginnings: boolean
    /** How a request without a signed URL is told. */
    direct: 'direct_credential' | 'untold'
  }
  /** Takes a second X-User before the signed one. */
  takesDoubles: boolean
  /** Takes a copy by an unsigned header. */
  takesCopies: boolean
  takesForms: boolean
  /** undefined: there is no such key here. */
  forge(wish: Forgery): Promise<{ url: string; headers: Record<string, string> } | undefined>
  /** By the bucket's own key and a header; undefined: this store takes none. */
  direct?: (method: 'GET' | 'PUT', key: string, agent: string) => Promise<number>
  /** The first connector's key, another one of the same owner, and taking one away: where a test may do so. */
  ladder?: {
    first: BucketKey
    makeKey: () => Promise<BucketKey>
    dropKey: (key: BucketKey) => Promise<unknown>
  }
  /** Moves the store's clock on. */
  later?: (ms: number) => void
}

export interface Sent {
  method: UrlMethod
  /** As it goes onto the wire. */
  url: string
  headers?: Record<string, string>
  body?: Buffer | undefined
  localAddress?: string
}

export interface Answer {
  status: number
  text: string
  etag: string
}

/** Sends exactly what it is given, from whatever address of this machine. */
export function sendAs(
  { method, url, headers = {}, body, localAddress }: Sent,
  ca?: string,
): Promise<Answer> {
  const [, scheme = '', authority = '', path = '/'] = /^(https?):\/\/([^/]+)(\/.*)$/.exec(url) ?? []
  const [host = '', port = ''] = authority.split(':')
  const options = {
    host,
    port,
    method,
    path,
    agent: false as const,
    timeout: 60_000,
    headers: { host: authority, ...(body ? { 'content-length': String(body.length) } : {}), ...headers },
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(ca === undefined ? {} : { ca }),
  }
  return new Promise((resolve, reject) => {
    const sent = (scheme === 'https' ? httpsRequest : httpRequest)(options, (answer) => {
      let text = ''
      answer.on('data', (chunk) => (text += String(chunk)))
      answer.on('error', reject)
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, text, etag: String(answer.headers.etag ?? '') }),
      )
    })
    sent.on('timeout', () => sent.destroy(new Error('no answer within a minute')))
    sent.on('error', reject)
    sent.end(body)
  })
}

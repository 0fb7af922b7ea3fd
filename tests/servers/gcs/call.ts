import type { IncomingHttpHeaders } from 'node:http'
import { invalidArgument } from './refusal.ts'
import type { Store } from './store.ts'

/** A request that passed the signature check (or names a resumable session), with its body. */
export interface Call {
  store: Store
  method: string
  /** `http://127.0.0.1:PORT`, or with the bucket as host name. */
  origin: string
  bucket: string
  /** Empty for the bucket itself. */
  key: string
  query: ReadonlyMap<string, string>
  headers: IncomingHttpHeaders
  body: Buffer
  /** Whether who asks has the right to something else too. */
  may: (access: { method: string; bucket: string; key: string }) => boolean
}

export interface Reply {
  status: number
  headers?: Readonly<Record<string, string | string[]>>
  body?: string | Buffer
}

export function xmlReply(status: number, body: string): Reply {
  return { status, headers: { 'content-type': 'application/xml; charset=UTF-8' }, body }
}

/** The headers of a write that are kept with the object. */
export function headersToKeep(headers: IncomingHttpHeaders): Record<string, string> {
  const kept = [
    'content-type',
    'content-disposition',
    'content-encoding',
    'content-language',
    'cache-control',
  ]
  const entries = Object.entries(headers).filter(
    ([name]) => kept.includes(name) || name.startsWith('x-goog-meta-'),
  )
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]))
}

export function numberFrom(
  query: ReadonlyMap<string, string>,
  name: string,
  fallback: number,
  most: number,
): number {
  const text = query.get(name)
  if (text === undefined) return fallback
  if (!/^\d+$/.test(text)) throw invalidArgument(`${name} must be a number.`)
  return Math.min(Number(text), most)
}

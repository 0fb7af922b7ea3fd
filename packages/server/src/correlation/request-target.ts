/** From the request line that a log shows to path, query and object key. */
import { decodePercent } from './percent.ts'

/** `METHOD URI HTTP/x.y`. Blanks inside the URI, which no request line has, make it unreadable rather than a guess. */
export function readRequestLine(text: string): { method: string; target: string } | undefined {
  const found = /^([A-Z]{1,20}) (\S+) HTTP\/\d(?:\.\d)?$/.exec(text)
  return found ? { method: found[1]!, target: found[2]! } : undefined
}

/** Of a request line or an address; the host is told only where it stands in the target itself. */
export function splitTarget(target: string): { host: string | null; path: string; query: string } {
  const origin = target.startsWith('/') ? null : /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(target)
  const rest = origin ? target.slice(origin[0].length) : target
  const mark = rest.indexOf('?')
  const path = mark === -1 ? rest : rest.slice(0, mark)
  const query = mark === -1 ? '' : rest.slice(mark + 1)
  return { host: origin ? origin[1]! : null, path: path === '' ? '/' : path, query }
}

/** Ceph's ops log shows the query twice (`?q?q`); so much is certain only where both are the same. */
export function undoubledQuery(query: string): string {
  const half = (query.length - 1) / 2
  if (!Number.isInteger(half) || query[half] !== '?') return query
  return query.slice(0, half) === query.slice(half + 1) ? query.slice(0, half) : query
}

export interface ObjectQuestion {
  path: string
  bucket: string
  addressing?: 'path' | 'virtual' | undefined
  /** All readings of what the log itself says the key is; empty: it says that there is none; undefined: it does not say. */
  stated?: readonly string[] | undefined
}

/**
 * The key in a path, decoded once. Path style or virtual-hosted is decided by the key that the log states, else by how the
 * bucket is known to be addressed, else by how the path begins. `isSure` is false where log and path do not agree.
 */
export function keyOf(question: ObjectQuestion): { key: string | null; isSure: boolean } {
  const { path, bucket, addressing, stated } = question
  const virtual = decodePercent(path.slice(1))
  const slash = path.indexOf('/', 1)
  const first = decodePercent(slash === -1 ? path.slice(1) : path.slice(1, slash))
  const isBelowBucket = path.startsWith('/') && first === bucket
  const pathStyle = !isBelowBucket ? undefined : slash === -1 ? '' : decodePercent(path.slice(slash + 1))
  if (stated !== undefined) {
    if (stated.length === 0) return { key: null, isSure: true }
    // S3 and its like read a bare + in a path as a blank or as itself; what the log states tells which.
    const candidates = [pathStyle, virtual].flatMap((text) =>
      text === undefined ? [] : text.includes('+') ? [text, text.replaceAll('+', ' ')] : [text],
    )
    const agreed = candidates.find((candidate) => stated.includes(candidate))
    return agreed === undefined ? { key: stated[0]!, isSure: false } : { key: agreed, isSure: true }
  }
  const key = addressing === 'virtual' || pathStyle === undefined ? virtual : pathStyle
  if (key === undefined) return { key: null, isSure: false }
  return { key: key === '' ? null : key, isSure: true }
}

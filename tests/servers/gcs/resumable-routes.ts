import { randomBytes } from 'node:crypto'
import { headersToKeep } from './call.ts'
import type { Call, Reply } from './call.ts'
import { writtenHeaders } from './object-routes.ts'
import { GcsRefusal, invalidArgument } from './refusal.ts'
import { bucketOf, checkConditions, checkRoom, putObject, readConditions } from './store.ts'
import type { Session } from './store.ts'

const chunkUnitBytes = 256 * 1024

/** POST with `x-goog-resumable: start`. The session URI in `Location` needs no signature: it is a secret of its own. */
export function startSession(call: Call): Reply {
  if (call.headers['x-goog-resumable'] !== 'start') throw invalidArgument('x-goog-resumable must be start.')
  bucketOf(call.store, call.bucket)
  const conditions = readConditions(call.headers)
  checkConditions(call.store, call.bucket, call.key, conditions)
  const { store, bucket, key } = call
  const id = randomBytes(32).toString('base64url')
  const progress = { chunks: [], receivedBytes: 0, finished: undefined }
  store.sessions.set(id, { id, bucket, key, headers: headersToKeep(call.headers), conditions, ...progress })
  const path = [bucket, ...key.split('/')].map(encodeURIComponent).join('/')
  return {
    status: 201,
    headers: { location: `${call.origin}/${path}?upload_id=${id}`, 'content-length': '0' },
  }
}

export function sessionOf(call: Pick<Call, 'store' | 'bucket' | 'key' | 'query'>): Session | undefined {
  const session = call.store.sessions.get(call.query.get('upload_id') ?? '')
  return session?.bucket === call.bucket && session.key === call.key ? session : undefined
}

/** PUT to the session URI: bytes, or a question how many bytes are here. "Resumable uploads", XML API. */
export function continueSession(call: Call, session: Session): Reply {
  if (call.method === 'DELETE') {
    call.store.sessions.delete(session.id)
    return { status: 499 } // Cloud Storage's answer to a cancelled upload
  }
  if (session.finished) return { status: 200, headers: writtenHeaders(session.finished) }
  const { first, totalBytes } = readContentRange(call, session)
  if (first === undefined) {
    return totalBytes === session.receivedBytes ? finish(call, session) : incomplete(session)
  }
  if (first > session.receivedBytes)
    throw invalidArgument(`Bytes from ${session.receivedBytes} on are missing.`)
  checkRoom(call.store, call.body.length)
  // Bytes that are here already are skipped, so that a client may send a chunk again.
  const fresh = call.body.subarray(session.receivedBytes - first)
  const isLast = totalBytes !== undefined && session.receivedBytes + fresh.length === totalBytes
  if (!isLast && call.body.length % chunkUnitBytes !== 0) {
    throw invalidArgument(`A chunk that is not the last must be a multiple of ${chunkUnitBytes} bytes.`)
  }
  session.chunks.push(fresh)
  session.receivedBytes += fresh.length
  return isLast ? finish(call, session) : incomplete(session)
}

function finish(call: Call, session: Session): Reply {
  checkConditions(call.store, session.bucket, session.key, session.conditions, session.receivedBytes)
  const body = Buffer.concat(session.chunks)
  session.finished = putObject(call.store, session.bucket, {
    key: session.key,
    body,
    headers: session.headers,
  })
  session.chunks = []
  return { status: 200, headers: writtenHeaders(session.finished) }
}

function incomplete(session: Session): Reply {
  const range = session.receivedBytes === 0 ? {} : { range: `bytes=0-${session.receivedBytes - 1}` }
  return { status: 308, headers: { ...range, 'content-length': '0' } }
}

interface ContentRange {
  /** Undefined: no bytes, only a question. */
  first: number | undefined
  /** Undefined: the client does not know it yet. */
  totalBytes: number | undefined
}

/** `bytes FIRST-LAST/TOTAL`, with `*` for what is not known (RFC 9110 §14.4, `bytes *` + `/TOTAL` to ask). */
function readContentRange(call: Call, session: Session): ContentRange {
  const header = call.headers['content-range']
  if (header === undefined)
    return { first: session.receivedBytes, totalBytes: session.receivedBytes + call.body.length }
  const [, first, last, total] = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(header) ?? []
  if (total === undefined) throw invalidArgument('Content-Range is malformed.')
  const totalBytes = total === '*' ? undefined : Number(total)
  if (first === undefined) return { first: undefined, totalBytes }
  const fits =
    Number(last) - Number(first) + 1 === call.body.length &&
    (totalBytes === undefined || Number(last) < totalBytes)
  if (!fits) throw new GcsRefusal(400, 'InvalidArgument', 'Content-Range does not fit the body.')
  return { first: Number(first), totalBytes }
}

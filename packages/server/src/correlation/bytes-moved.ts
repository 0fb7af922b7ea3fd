/** How many bytes of an object an access moved, between the store and the client. */
import type { AccessLogRecord } from './access-log-record.ts'

type Told = Pick<AccessLogRecord, 'action' | 'method' | 'succeeded' | 'bytesSent' | 'bytesReceived'>

/** Of a read what was sent, of a write what was received. Null: the log does not tell, which is not 0. */
export function bytesMoved({ action, method, succeeded, bytesSent, bytesReceived }: Told): number | null {
  if (action === 'write') return bytesReceived ?? (succeeded === false ? 0 : null)
  if (bytesSent !== null) return bytesSent
  // What moves nothing of an object: a look at its head, a deletion, and what the store did not let through.
  const movesNothing = action !== 'read' || method === 'HEAD' || succeeded === false
  return movesNothing ? 0 : null
}

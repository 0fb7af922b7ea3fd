/** What a URL is bound to beyond its key and its time, for its record: what its bucket's log is compared with later. */
import type { SignRequest } from '../domain/connector.ts'
import type { EventFields } from './event-of.ts'

type Bound = Pick<SignRequest, 'networks' | 'contentLength' | 'contentLengthRange' | 'part'>

/** Undefined: nothing but key and time, as of most. */
export function doorDetails(bound: Bound): EventFields['details'] {
  const { networks, contentLength, contentLengthRange, part } = bound
  if (!networks && contentLength === undefined && !contentLengthRange && !part) return undefined
  return {
    ...(networks ? { networks: networks.join(' ') } : {}),
    ...(contentLength === undefined ? {} : { contentLength }),
    ...(contentLengthRange ? { contentLengthMax: contentLengthRange.max } : {}),
    ...(part ? { storeUploadId: part.storeUploadId } : {}),
  }
}

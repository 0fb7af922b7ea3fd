/** Where the last write of an object is, while its team moves: what is compared, and what follows from it. */

/** As a listing or a head tells it. */
export interface SeenObject {
  sizeBytes: number
  etag: string | null
  /** ms since the epoch */
  lastModified?: number
}

/** Nothing is there. */
export const absent = ''
/** Nothing is known, or a copy may be half made. Never the version of anything. */
export const unknown = '?'

/**
 * One text for what is there now: changes with each write. The time too, in whole seconds (HTTP tells no finer one): who
 * writes the same bytes again has written.
 */
export function versionOf(object: SeenObject | null): string {
  if (object === null) return absent
  const { etag, sizeBytes, lastModified } = object
  const second = lastModified === undefined ? '' : Math.floor(lastModified / 1000)
  return `${etag?.replaceAll('"', '') ?? ''} ${sizeBytes} ${second}`
}

export interface MovedObject {
  /** The version in the old place that the new place holds or has gone beyond. */
  covered: string
  /** The version in the new place that is the move's copy. */
  copied: string
}

/** Of an object that the move has not met. */
export const unmet: MovedObject = { covered: absent, copied: absent }

/**
 * After the switch: where the last write is. No clock decides it but where the object was written in both places behind
 * the move's back: by URLs for one object, one from before the switch and one from after it, that were used late and
 * together. Then the later time counts, and in the same second the old place, whose write is the unexpected one.
 */
export function placeOfLastWrite(
  inOld: SeenObject | null,
  inNew: SeenObject | null,
  { covered, copied }: MovedObject,
): 'old' | 'new' {
  const old = versionOf(inOld)
  if (old === covered) return 'new'
  if (copied === unknown || versionOf(inNew) === copied) return 'old'
  if (inNew === null) return 'old'
  if (inOld === null) return 'new'
  const second = ({ lastModified }: SeenObject) => Math.floor((lastModified ?? 0) / 1000)
  return second(inOld) >= second(inNew) ? 'old' : 'new'
}

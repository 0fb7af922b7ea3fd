/** The shapes in which an event leaves: always one JSON text without line breaks, and the same one each time. */
import type { SinkShape } from '@signpost/contract'
import { ocsfOf } from './ocsf.ts'
import type { SinkEvent } from './types.ts'

export function shapedText(event: SinkEvent, shape: SinkShape): string {
  switch (shape) {
    case 'plain':
      return plainLine(event)
    case 'cloudevents':
      return cloudEventText(event)
    case 'ocsf':
      return JSON.stringify(ocsfOf(event))
  }
}

/** As a line of an export: the event's text verbatim, so that whoever has the line can check the hash. */
export function plainLine({ chain, seq, hash, text }: SinkEvent): string {
  return `{"chain":${JSON.stringify(chain)},"seq":${seq},"hash":"${hash}","event":${text}}`
}

/**
 * CloudEvents 1.0.2 §3, JSON format §3. `source` and `id` name an event together and for ever; the data is the event's text
 * verbatim. Names of extensions are lower-case letters and digits (§3.2 "Attribute Naming Convention"); its integers have
 * 32 bits, which the number in a chain outgrows.
 */
function cloudEventText({ chain, seq, hash, text, event }: SinkEvent): string {
  const { id, type, at, key } = event
  const head = JSON.stringify({
    specversion: '1.0',
    id,
    source: `urn:signpost:chain:${encodeURIComponent(chain)}`,
    type: `signpost.audit.${type}`,
    time: at,
    ...(key === undefined || key === '' ? {} : { subject: key }),
    datacontenttype: 'application/json',
    signpostseq: String(seq),
    signposthash: hash,
  })
  return `${head.slice(0, -1)},"data":${text}}`
}

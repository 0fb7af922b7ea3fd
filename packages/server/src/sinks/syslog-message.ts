/** A message of syslog, RFC 5424 §6, and its frame, RFC 5425 §4.3. */
import type { SinkShape } from '@signpost/contract'
import { shapedText } from './shapes.ts'
import type { SinkEvent } from './types.ts'

/** "log audit" (§6.2.1 table 1). */
const facility = 13
/** Informational, warning (§6.2.1 table 2). */
const severities = { allow: 6, deny: 4 } as const
const sequenceMax = 2_147_483_647
const bom = '\uFEFF'

/**
 * PROCID is the chain: with another one a new count begins (§6.2.6). Only registered structured data is used, since other
 * names take an enterprise number (§7.2.2): chain, number and hash stand in the message.
 */
export function syslogMessage(one: SinkEvent, shape: SinkShape): string {
  const { event, chain, seq } = one
  const head = [
    `<${facility * 8 + severities[event.decision]}>1`,
    event.at,
    // The same for the same event, whichever replica sends it.
    '-',
    'signpost',
    word(chain, 128),
    word(event.type, 32),
    structuredData(seq),
  ].join(' ')
  const text = shapedText(one, shape)
  // What is UTF-8 must begin so (§6.4); ASCII need not, and many receivers read JSON better without.
  // oxlint-disable-next-line no-control-regex
  return `${head} ${/^[\x00-\x7f]*$/.test(text) ? text : `${bom}${text}`}`
}

/** Octet counting: `MSG-LEN SP SYSLOG-MSG`, in octets. */
export function syslogFrame(message: string): string {
  return `${Buffer.byteLength(message)} ${message}`
}

/** §7.3.1: from 1 to 2147483647, then from 1 again. */
function structuredData(seq: number): string {
  const sequenceId = ((seq - 1) % sequenceMax) + 1
  return `[origin software="signpost"]${seq > 0 ? `[meta sequenceId="${sequenceId}"]` : ''}`
}

/** PRINTUSASCII without blanks, `-` for nothing. */
function word(text: string, max: number): string {
  return text.replaceAll(/[^\x21-\x7e]/g, '').slice(0, max) || '-'
}

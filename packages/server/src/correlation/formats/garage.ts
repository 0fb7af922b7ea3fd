/**
 * Garage's log: one line a request when it arrives, without its outcome (src/api/common/generic_server.rs). Errors stand on
 * lines of their own without an id, so they cannot be joined to it.
 */
import type { LineContext, LogFormat, ParsedLine } from '../access-log-record.ts'
import { actionOfRequest } from '../actions.ts'
import { isoTime } from '../log-time.ts'
import { digestOf, makeRecord, skipped, unparsed, urlAuthentication } from '../make-record.ts'
import { redact } from '../redact.ts'
import { readTarget, told } from './s3-json.ts'

export const garage: LogFormat = {
  name: 'garage',
  title: 'Garage log',
  shape: 'lines',
  parse: parseLine,
}

/** Colours of terminals. */
const colours = /\p{Cc}\[[0-9;]*m/gu
const prefix = /^(\S{19,40})\s+(?:TRACE|DEBUG|INFO|WARN|ERROR)\s+(\S+): /
const request = /^(\S+) (?:\(via [^\s()]+\) )?(?:\(key ([^\s()]+)\) )?([A-Z]{1,20}) (\/\S*)$/

function parseLine(line: string, context: LineContext): ParsedLine {
  const text = redact(line.replaceAll(colours, '')).trimEnd()
  if (text === '') return skipped('empty')
  const start = prefix.exec(text)
  if (!start) return unparsed('fields')
  if (!start[2]!.includes('generic_server')) return skipped('other-line')
  const at = isoTime(start[1]!)
  if (at === undefined) return unparsed('time')
  const rest = text.slice(start[0].length)
  if (/^error \d|server listening on|server exiting$/.test(rest)) return skipped('other-line')
  const found = request.exec(rest)
  if (!found) return unparsed('request-line')
  const [, address, accessKeyId, method = '', uri = ''] = found
  // No host is told: the first part of the path is the bucket, unless it is known to be in the host.
  const first = /^\/([^/?]*)/.exec(uri)?.[1] ?? ''
  const bucket = context.addressing === 'virtual' && context.bucket !== undefined ? context.bucket : first
  const target = readTarget(uri, bucket, context)
  const signed = urlAuthentication(target, accessKeyId ?? null, 'unknown')
  return makeRecord({
    ...target.found,
    identity: digestOf(text),
    at,
    atIs: 'start',
    bucket: bucket === '' ? null : bucket,
    key: target.key,
    operation: method,
    action: actionOfRequest(method, target.key, target.query),
    method,
    address: address ?? null,
    signers: told(accessKeyId),
    authentication: signed.authentication,
    doubts: [!target.isSure && 'key', signed.isContradicted && 'authentication'],
  })
}

/**
 * The log of Ceph's RADOS Gateway itself: one `beast:` line a request, refused ones too (src/rgw/rgw_asio_frontend.cc). It tells
 * the gateway's user, and not which key signed or whether that stood in the URL: whoever has a key of their own may send it in
 * a header beside a URL of somebody else, so that no success here proves that URL. Nothing in it is escaped.
 */
import type { AccessLogRecord, LineContext, LogFormat, ParsedLine } from '../access-log-record.ts'
import { proofOf } from '../access-proof.ts'
import { actionOfRequest } from '../actions.ts'
import { numberOf, statusOf } from '../json-fields.ts'
import { commonLogTime } from '../log-time.ts'
import { digestOf, makeRecord, skipped, unparsed } from '../make-record.ts'
import { redact } from '../redact.ts'
import { readRequestLine } from '../request-target.ts'
import { storeUser } from '../signer-fit.ts'
import { readTarget } from './s3-json.ts'

export const cephBeast: LogFormat = {
  name: 'ceph-beast',
  title: 'Ceph RADOS Gateway log, `beast:` lines',
  shape: 'lines',
  parse: parseLine,
}

/** What the gateway writes in front of each line. At its beginning only: with more debugging, headers of clients stand in lines of their own. */
const prefix =
  /^(?:debug )?\d{4}-\d\d-\d\d[T ][\d:.]{8,15}(?:[+-]\d{4}|Z)? [0-9a-f]{6,16} +-?\d{1,2} (beast: 0x[0-9a-f]+: )?/
/** A user with brackets in its name is not told from what follows. No request target has a blank in it. */
const columns =
  /^(\S+) - ([^[\]]{1,256}) \[([^[\]]{20,40})\] "(\S+ \S+ HTTP\/\d(?:\.\d)?)" (\d{1,3}) (\d{1,15}) (.* latency=\d+(?:\.\d+)?s)$/
/** Referer, agent and range: with quotes inside, nobody can tell where they end. */
const tail = /^(?:-|"[^"]*") (?:-|"([^"]*)") (?:-|[^\s"]+) latency=[\d.]+s$/

function parseLine(line: string, context: LineContext): ParsedLine {
  const text = redact(line).trimEnd()
  if (text === '') return skipped('empty')
  const start = prefix.exec(text)
  if (!start) return unparsed('fields')
  if (start[1] === undefined) return skipped('other-line')
  const found = columns.exec(text.slice(start[0].length))
  if (!found) return unparsed('fields')
  const [, address = '', user = '', time = '', requestLine = '', status = '', bytes = '', rest = ''] = found
  // `23/Nov/2026:17:13:13.849 +0000`: when it began.
  const [, second = '', fraction = '', zone = ''] = /^([^.]+)(?:\.(\d{1,3}))?( [+-]\d{4})$/.exec(time) ?? []
  const at = commonLogTime(`${second}${zone}`)
  if (at === undefined) return unparsed('time')
  const request = readRequestLine(requestLine)
  if (!request) return unparsed('request-line')
  const { method } = request
  const first = /^\/([^/?]*)/.exec(request.target)?.[1] ?? ''
  const bucket = context.addressing === 'virtual' && context.bucket !== undefined ? context.bucket : first
  const target = readTarget(request.target, bucket, context)
  const answer = { status: statusOf(status), succeeded: null, errorCode: null }
  const isRefused = proofOf(answer) === 'refused'
  const signed = authenticationOf(user, target.isPresigned, isRefused)
  return makeRecord({
    ...target.found,
    identity: digestOf(text),
    at: at + Number(fraction.padEnd(3, '0')),
    atIs: 'start',
    bucket: bucket === '' ? null : bucket,
    key: target.key,
    operation: method,
    action: actionOfRequest(method, target.key, target.query),
    method,
    status: answer.status,
    address,
    agent: tail.exec(rest)?.[1] ?? null,
    signers: isNobody(user) ? [] : [storeUser(user)],
    authentication: signed,
    // One sum of what came and what went: of a read that was let through, of which nothing comes, it is the object's.
    bytesSent: method === 'GET' && !isRefused ? numberOf(bytes) : null,
    doubts: [!target.isSure && 'key', signed === 'query' && !isRefused && 'authentication'],
  })
}

/** `-`: it was refused before anybody was found. `anonymous`: `RGW_USER_ANON_ID` (src/rgw/rgw_common.h). */
function isNobody(user: string): boolean {
  return user === '-' || user === 'anonymous'
}

/** A refusal proves nothing of the URL, whatever the gateway looked at. */
function authenticationOf(
  user: string,
  isPresigned: boolean,
  isRefused: boolean,
): AccessLogRecord['authentication'] {
  if (isPresigned && (user === '-' ? isRefused : user !== 'anonymous')) return 'query'
  if (isNobody(user)) return user === '-' && isRefused ? 'unknown' : 'none'
  return 'header'
}

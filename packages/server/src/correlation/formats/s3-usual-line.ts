/**
 * Nearly every line of S3's log is of a URL as Signpost writes it, used as it was given: one pattern reads such a line whole, in
 * a third of the time of `s3-server-access.ts`, to which all others are left. What it takes holds only characters that need
 * no decoding and no redaction, each parameter once and spelt as the signer spells it, and no quotes but those that have to be
 * there; of such a line both say the same.
 */
import type { AccessLogRecord } from '../access-log-record.ts'
import { actionOf } from '../actions.ts'
import { basicTime, commonLogTime, isTimeOfAccess } from '../log-time.ts'
import { schemes } from '../redact.ts'
import { receivedBytes } from './s3-columns.ts'

const text = String.raw`[\w./,@!()*~-]+`
const count = String.raw`(?:\d+|-)`
const query = [
  String.raw`X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=(\w+)%2F\d{8}%2F[\w-]+%2Fs3%2Faws4_request`,
  String.raw`&X-Amz-Date=(\d{8}T\d{6}Z)&X-Amz-Expires=(\d{1,15})(?:&X-Amz-Security-Token=[\w%.-]+)?`,
  String.raw`&X-Amz-SignedHeaders=host&X-Grant=([\w-]+)&X-User=([\w.~-]+(?:%40[\w.~-]+)?)`,
  String.raw`(?:&x-id=[A-Za-z]+)?&X-Amz-Signature=\w+`,
].join('')
const line = new RegExp(
  [
    String.raw`^\w+ ([a-z\d][a-z\d.-]*) \[([^\]]{26})\] ([\d.]+) (arn:aws:(?:iam|sts)::\d{12}:[\w./,@-]+|[\da-f]{64}) `,
    String.raw`(\w[\w-]*) (REST\.[A-Z]+\.[A-Z]+) (${text}) "(GET|HEAD|PUT|DELETE) /\7\?${query} HTTP/\d\.\d" `,
    String.raw`([1-5]\d\d) (?:-|([A-Z][A-Za-z]+)) (\d{1,16}|-) (\d{1,16}|-) ${count} ${count} "-" `,
    String.raw`"([\w./,@!()*~;[\] -]+)" ([\w.-]+) [^ "]+ SigV4 [^ "]+ QueryString [^ "]+ [^"]+$`,
  ].join(''),
)
/** Of all records the same: each line makes enough that has to be collected. */
const nothing: readonly never[] = []
/** What is longer is cut elsewhere. */
const charactersMax = 512

/** Undefined: it is another line. */
export function readUsualLine(textOfLine: string): AccessLogRecord | undefined {
  const found = line.exec(textOfLine)
  if (!found) return undefined
  for (let index = 1; index < found.length; index += 1)
    if ((found[index]?.length ?? 0) > charactersMax) return undefined
  const [address, key, agent] = [found[3]!, found[7]!, found[18]!]
  const at = commonLogTime(found[2]!)
  const signedAt = basicTime(found[10]!)
  if (at === undefined || signedAt === undefined || key === '-' || !isPlainIpv4(address)) return undefined
  if (!isTimeOfAccess(at)) return undefined
  if (agent === '-' || agent.includes('HTTP/') || (agent.includes(' ') && schemes.test(agent)))
    return undefined
  return recordOf(found, { at, signedAt })
}

/** Of digits and dots: four numbers, none above 255 or with a zero before it. */
function isPlainIpv4(text: string): boolean {
  let [numbers, value, count] = [0, 0, 0]
  for (let index = 0; index <= text.length; index += 1) {
    const digit = index === text.length ? -2 : text.charCodeAt(index) - 48
    if (digit >= 0) {
      if (count > 0 && value === 0) return false
      value = value * 10 + digit
      count += 1
      if (value > 255) return false
    } else {
      if (count === 0) return false
      numbers += 1
      value = 0
      count = 0
    }
  }
  return numbers === 4
}

function recordOf(
  found: RegExpExecArray,
  { at, signedAt }: { at: number; signedAt: number },
): AccessLogRecord {
  const operation = found[6]!
  const user = found[13]!
  const status = Number(found[14])
  return {
    identity: `${found[5]},${operation},${found[7]},${found[19]}`,
    at,
    atIs: 'start',
    startedAt: null,
    bucket: found[1]!,
    account: null,
    key: found[7]!,
    action: actionOf(operation),
    operation,
    method: found[8]!,
    status,
    succeeded: status < 400,
    errorCode: found[15] ?? null,
    address: found[3]!,
    agent: found[18]!,
    requestId: found[5]!,
    signers: [found[4]!],
    urlSigner: found[9]!,
    authentication: 'query',
    markers: { user: [user.includes('%') ? user.replace('%40', '@') : user], grant: [found[12]!] },
    oddNames: nothing,
    signedAt,
    expiresAt: signedAt + Number(found[11]) * 1000,
    bytesSent: found[16] === '-' ? 0 : Number(found[16]),
    bytesReceived: receivedBytes(operation, found[17]!),
    uploadId: null,
    partNumber: null,
    doubts: nothing,
  }
}

/** RFC 5424 §6, by its ABNF and nothing wider. */
export interface SyslogMessage {
  facility: number
  severity: number
  timestamp: string
  hostname: string
  appName: string
  procId: string
  msgId: string
  data: Record<string, Record<string, string>>
  message: string
  hasBom: boolean
}

const word = (max: number) => `(-|[\\x21-\\x7e]{1,${max}})`
const header = new RegExp(
  `^<(0|[1-9]\\d{0,2})>([1-9]\\d{0,2}) (-|\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{1,6})?(?:Z|[+-]\\d\\d:\\d\\d)) ${[255, 48, 128, 32].map(word).join(' ')} `,
)
const sdName = '[\\x21\\x23-\\x3c\\x3e-\\x5c\\x5e-\\x7e]{1,32}'
const parameter = new RegExp(` (${sdName})="((?:[^"\\\\\\]]|\\\\["\\\\\\]])*)"`, 'y')
const registered = new Set(['timeQuality', 'origin', 'meta'])

export function parseSyslog(bytes: Buffer): SyslogMessage {
  // Everything before the message is ASCII, but for values of parameters.
  const text = bytes.toString('latin1')
  const match = header.exec(text)
  if (!match) throw new Error(`not a header: ${text.slice(0, 120)}`)
  const [whole, pri = '', version, timestamp = '', hostname = '', appName = '', procId = '', msgId = ''] =
    match
  if (Number(pri) > 191) throw new Error(`PRIVAL ${pri}`)
  if (version !== '1') throw new Error(`version ${version}`)
  const { data, end } = structuredData(text, whole.length)
  const rest = bytes.subarray(end)
  if (rest.length > 0 && rest[0] !== 0x20) throw new Error('no blank before the message')
  const body = rest.subarray(1)
  const hasBom = body.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf]))
  const message = new TextDecoder('utf-8', { fatal: true }).decode(body)
  if (!hasBom && body.some((byte) => byte > 127)) throw new Error('UTF-8 without a BOM (§6.4)')
  const value = Number(pri)
  return {
    facility: value >> 3,
    severity: value & 7,
    timestamp,
    hostname,
    appName,
    procId,
    msgId,
    data,
    message,
    hasBom,
  }
}

function structuredData(text: string, from: number): { data: SyslogMessage['data']; end: number } {
  if (text[from] === '-') return { data: {}, end: from + 1 }
  const data: SyslogMessage['data'] = {}
  let at = from
  while (text[at] === '[') {
    const id = new RegExp(`\\[(${sdName})`, 'y')
    id.lastIndex = at
    const name = id.exec(text)?.[1]
    if (name === undefined) throw new Error('no SD-ID')
    // §6.3.2: names without @ are IANA's; no name comes twice.
    if (!name.includes('@') && !registered.has(name)) throw new Error(`SD-ID ${name} is not registered`)
    if (name in data) throw new Error(`SD-ID ${name} comes twice`)
    at = id.lastIndex
    const parameters: Record<string, string> = {}
    parameter.lastIndex = at
    for (let one = parameter.exec(text); one; one = parameter.exec(text)) {
      parameters[one[1]!] = one[2]!
      at = parameter.lastIndex
    }
    if (text[at] !== ']') throw new Error('structured data does not end')
    at += 1
    data[name] = parameters
  }
  if (at === from) throw new Error('no structured data')
  return { data, end: at }
}

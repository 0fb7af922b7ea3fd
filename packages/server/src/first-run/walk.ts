/** The main job, once, on a real file: asked, decided, signed, uploaded, downloaded, compared, recorded, and found in the store's log. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { AuditEvent, ChainedAuditEvent, IssuedUrl } from '@signpost/contract'
import { demoTeam, demoUser } from './demo.ts'
import type { OwnApi } from './own-api.ts'

export interface WalkOptions {
  api: OwnApi
  memberToken: string
  adminToken: string
  /** The file that is uploaded and read back. */
  file: string
  accessLogFile: string
  print: (line: string) => void
}

export async function walkOnce({
  api,
  memberToken,
  adminToken,
  file,
  accessLogFile,
  print,
}: WalkOptions): Promise<void> {
  const bytes = readFileSync(file)
  const key = `first-start/${basename(file)}`
  const say = (word: string, text: string) => print(`  ${word.padEnd(12)}${text}`)
  const ask = (body: object) =>
    api.call<IssuedUrl>(memberToken, 'POST', `/v1/teams/${demoTeam}/urls`, { key, ...body })
  const eventOf = async ({ grantId }: IssuedUrl): Promise<AuditEvent> => {
    const page = await api.call<{ items: ChainedAuditEvent[] }>(
      adminToken,
      'GET',
      `/v1/audit-events?grantId=${grantId}`,
    )
    const [found] = page.items
    if (!found) throw new Error(`the record of grant ${grantId} is not there`)
    return found.event
  }

  say(
    'asked',
    `${demoUser} asks to write ${basename(file)} of this checkout (${bytes.length} bytes) as sp://${demoTeam}/${key}`,
  )
  const write = await ask({ action: 'write', contentLength: bytes.length })
  const written = await eventOf(write)
  say(
    'decided',
    `${written.decision}: ${written.reason}, as member of team ${demoTeam}; until ${write.expiresAt} (limited by ${write.limitedBy})`,
  )
  say('signed', shownUrl(write))
  const put = await send(write, bytes)
  say('uploaded', `straight to the store: ${put.status}`)
  const read = await ask({ action: 'read' })
  say('signed', shownUrl(read))
  const got = await send(read)
  say('downloaded', `straight from the store: ${got.status}, ${got.body.length} bytes`)
  if (!got.body.equals(bytes)) throw new Error('what was downloaded is not what was uploaded')
  say('compared', 'byte for byte the same')
  for (const event of [written, await eventOf(read)]) say('recorded', eventLine(event))
  const seen = readFileSync(accessLogFile, 'utf8')
    .split('\n')
    .find((line) => line.includes(write.grantId))
  if (seen === undefined) throw new Error("the store's access log does not show the upload")
  say('found', `in the store's own log, naming ${demoUser}:`)
  print(logLine(seen))
}

/** As the header contract says: method, address and headers as they came, and which statuses mean success. */
async function send(issued: IssuedUrl, body?: Buffer): Promise<{ status: number; body: Buffer }> {
  const response = await fetch(issued.url, {
    method: issued.method,
    headers: issued.headers,
    ...(body ? { body: new Uint8Array(body) } : {}),
  })
  const answer = Buffer.from(await response.arrayBuffer())
  if (!issued.successStatuses.includes(response.status))
    throw new Error(
      `the store answered ${response.status} to ${issued.method}: ${answer.toString().slice(0, 500)}`,
    )
  return { status: response.status, body: answer }
}

const margin = ' '.repeat(14)

/** Method and address, and on a second line what Signpost has put into it. */
function shownUrl({ method, url }: IssuedUrl): string {
  const { origin, pathname, search } = new URL(url)
  return `${method} ${origin}${pathname}\n${margin}${shownQuery(search)}`
}

/** Who, which grant, how long: the rest is cut. A whole signature on a terminal would be a live URL in a scroll-back. */
function shownQuery(search: string): string {
  const query = new URLSearchParams(search)
  const shown = ['X-User', 'X-Grant', 'X-Amz-Expires'].map((name) => `${name}=${query.get(name) ?? ''}`)
  return `?${shown.join('&')}&... (signature cut)`
}

/** Of a line in the S3 server access log format: time, operation, key, the request with its query cut, and the status. */
function logLine(line: string): string {
  const [, time = '', operation = '', key = '', method = '', path = '', query = '', status = ''] =
    /(\[[^\]]+\]) (?:\S+ ){3}(\S+) (\S+) "(\S+) ([^ ?]+)(\S*) [^"]*" (\d+)/.exec(line) ?? []
  return `${margin}${time} ${operation} ${key} ${status}\n${margin}"${method} ${path}\n${margin}${shownQuery(query)}"`
}

function eventLine(event: AuditEvent): string {
  return `audit event ${event.type}: ${event.decision} ${event.method} ${event.bucket}/${event.key} to ${event.username},\n${margin}grant ${event.grantId}`
}

/** A server with a reader of its audit log, for the tests of W&B's interface. */
import assert from 'node:assert/strict'
import type { AuditEvent } from '@signpost/contract'
import { isoOf } from '../../domain/instant.ts'
import type { WandbAuditRecord } from '../../domain/wandb-audit-record.ts'
import type { Store } from '../../store/store.ts'
import { openScimWorld, type ScimWorld } from '../scim/test-scim.ts'

export interface AuditWorld extends ScimWorld {
  /** Key of a service account whose role holds audit.read, and nothing else. */
  siem: string
  /** Asks as `siem` unless told; `query` begins behind the question mark. */
  ask(query: string, headers?: Record<string, string>, method?: string): Promise<Response>
  page(query: string): Promise<WandbPage>
  lines(query: string): Promise<WandbAuditRecord[]>
  keyOf(body: object): Promise<string>
  /** Records so many URLs, the first an hour ago unless told (ms since the epoch). */
  fill(count: number, at?: number): Promise<void>
  now(): number
}

export interface WandbPage {
  audit_logs: WandbAuditRecord[]
  count: number
  next_cursor: string | null
  range_start_time: string
  range_end_time: string
}

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })
export const basic = (userAndKey: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(userAndKey).toString('base64')}`,
})

const dayMs = 86_400_000

/** When these tests happen, in UTC: none may run over midnight. */
export function nextNoon(now: number): number {
  return Math.ceil(now / dayMs) * dayMs + dayMs / 2
}

export async function openAuditWorld(given?: { store: Store }): Promise<AuditWorld> {
  const world = await openScimWorld(given)
  const { clock, newId, store: own } = world.app.deps
  world.pass((nextNoon(clock()) - clock()) / 1000)
  const made = async (path: string, body: object) => {
    const answer = await world.api('POST', path, body)
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    return answer.body
  }
  const keyOf = async (body: object) => (await made('/v1/api-keys', { name: 'k', ...body })).token as string
  await made('/v1/roles', { scope: 'organisation', name: 'siem', permissions: ['audit.read'] })
  await made('/v1/service-accounts', { username: 'siem', organisationRole: 'siem' })
  const siem = await keyOf({ username: 'siem', scope: { actions: ['manage'] } })
  const ask: AuditWorld['ask'] = (query, headers = bearer(siem), method = 'GET') =>
    fetch(`${world.url}/admin/audit_logs?${query}`, { method, headers })
  const told = async (query: string, type: string) => {
    const answer = await ask(query)
    const text = await answer.text()
    assert.equal(answer.status, 200, text.slice(0, 500))
    assert.equal(answer.headers.get('content-type'), type)
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    return text
  }
  return {
    ...world,
    siem,
    ask,
    keyOf,
    now: clock,
    page: async (query) => JSON.parse(await told(query, 'application/json')) as WandbPage,
    lines: async (query) => linesOf(await told(query, 'application/x-ndjson')),
    fill: (count, at = clock() - 3_600_000) => fill(own, newId, count, at),
  }
}

/** Several events at each instant, so that the place in the chain has to decide. */
export async function fill(store: Store, newId: () => string, count: number, at: number): Promise<void> {
  for (let done = 0; done < count; done += 500) {
    const events = Array.from({ length: Math.min(500, count - done) }, (_, index) =>
      issued(newId(), at + Math.floor((done + index) / 7)),
    )
    await store.commit({ statements: [], events })
  }
}

export function linesOf(text: string): WandbAuditRecord[] {
  assert.ok(text === '' || text.endsWith('\n'))
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as WandbAuditRecord)
}

function issued(id: string, at: number): AuditEvent {
  return {
    id,
    at: isoOf(at),
    type: 'url.issue',
    decision: 'allow',
    reason: 'member_of_team',
    principalId: 'id-of-ada',
    username: 'ada@example.org',
    address: '192.0.2.7',
    team: 'vision',
    key: `vision/secret-${id}`,
    action: 'read',
    method: 'GET',
    grantId: id,
  }
}

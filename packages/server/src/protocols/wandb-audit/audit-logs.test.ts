import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { isoOf } from '../../domain/instant.ts'
import { openAuditWorld, type AuditWorld } from './test-wandb-audit.ts'

/** As W&B documents them, in its order. */
const fields =
  `timestamp action actor_user_id actor_email actor_ip user_asset user_email entity_asset entity_name project_asset
  project_name report_asset report_name artifact_asset artifact_sequence_asset artifact_qualified_name artifact_digest
  cli_version response_code`.split(/\s+/)

describe("the audit trail as W&B's audit log", () => {
  let world: AuditWorld
  before(async () => {
    world = await openAuditWorld()
    await world.addUser('ada', { emails: [{ value: 'ada@example.org', primary: true }] })
    await world.addGroup('vision', { members: [] })
    await world.api('PUT', '/v1/teams/vision/members/ada', { role: 'member' })
    await world.fill(1200)
  })
  after(() => world.close())

  const today = () => isoOf(world.now()).slice(0, 10)
  const inRange = async (from: string, to: string) =>
    (await world.events())
      .filter(({ at }) => Date.parse(at) >= Date.parse(from) && Date.parse(at) < Date.parse(to))
      .map(({ at }) => at)
      .toSorted()

  test('without limit and endDate: a record a line, nothing left out, all 19 fields in each, the oldest first', async () => {
    const lines = await world.lines('')
    for (const line of lines) assert.deepEqual(Object.keys(line), fields)
    const expected = await inRange(`${today()}T00:00:00Z`, `${today()}T23:59:59Z`)
    assert.deepEqual(
      lines.map(({ timestamp }) => timestamp),
      expected,
    )
    assert.ok(lines.length > 1200)
    // The day before has what this server was started with.
    const all = await world.lines('numDays=1000')
    assert.equal(all.length, (await world.events()).length)
    assert.equal(all[0]!.action, 'chain:open')
    assert.deepEqual(await world.lines('numDays=0&startDate=2020-01-01'), [])
  })

  test('what they say: emails of a directory, members, teams', async () => {
    const lines = await world.lines('')
    const invited = lines.find(({ action }) => action === 'team:invite_user')!
    assert.deepEqual(
      [invited.user_email, invited.entity_name, invited.actor_ip, invited.response_code],
      ['ada@example.org', 'vision', '127.0.0.1', 200],
    )
    const made = lines.find(({ action }) => action === 'user:create')!
    assert.deepEqual([made.user_asset, made.user_email], [invited.user_asset, 'ada@example.org'])
    assert.match(invited.entity_asset!, /^[0-9a-f-]{36}$/)
  })

  test('with limit or endDate: one object, with count, next_cursor and the range', async () => {
    const { audit_logs: logs, ...rest } = await world.page(`startDate=${today()}&endDate=${today()}T11:00:00`)
    assert.deepEqual(
      logs.map(({ timestamp }) => timestamp),
      await inRange(`${today()}T00:00:00Z`, `${today()}T11:00:00Z`),
    )
    assert.deepEqual(rest, {
      count: logs.length,
      next_cursor: null,
      range_start_time: `${today()}T00:00:00Z`,
      range_end_time: `${today()}T11:00:00Z`,
    })
    const first = await world.page('limit=3')
    assert.deepEqual([first.audit_logs.length, first.count, typeof first.next_cursor], [3, 3, 'string'])
    for (const log of first.audit_logs) assert.deepEqual(Object.keys(log), fields)
    const none = await world.page('limit=3&startDate=2020-01-01')
    assert.deepEqual([none.audit_logs, none.count, none.next_cursor], [[], 0, null])
    const empty = await world.page('startDate=2020-01-01&endDate=2020-01-01')
    assert.deepEqual([empty.audit_logs, empty.count, empty.next_cursor], [[], 0, null])
    // Just as many as there are: no page without records follows.
    const untilNoon = `startDate=${today()}&endDate=${today()}T12`
    const { count } = await world.page(untilNoon)
    const exact = await world.page(`${untilNoon}&limit=${count}`)
    assert.deepEqual([exact.count, exact.next_cursor], [count, null])
    const less = await world.page(`${untilNoon}&limit=${count - 1}`)
    assert.deepEqual([less.count, typeof less.next_cursor], [count - 1, 'string'])
  })

  test('anonymize: no e-mail, name or address, in both forms; the same records', async () => {
    for (const query of ['', 'limit=20000']) {
      const shown = await (await world.ask(query)).text()
      const text = await (await world.ask(`${query}&anonymize=true`)).text()
      for (const name of [/ada@example/, /192\.0\.2/, /127\.0\.0/, /vision/]) {
        assert.match(shown, name)
        assert.doesNotMatch(text, name)
      }
      // The reading before stands in the one after.
      assert.equal(text.split('"timestamp"').length, shown.split('"timestamp"').length + 1)
      assert.match(text, /"actor_user_id":"id-of-ada"/)
    }
    assert.match(await (await world.ask('anonymize=False')).text(), /ada@example/)
  })

  const hostile: [query: string, field: string][] = [
    ['limit=0', 'limit'],
    ['limit=20001', 'limit'],
    ['limit=-1', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=1e3', 'limit'],
    ['limit=0x10', 'limit'],
    ['limit=', 'limit'],
    ['limit=%201', 'limit'],
    ['limit=99999999999999999999', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['limit[]=1', 'limit[]'],
    ['numDays=-1', 'numDays'],
    ['numDays=1.0', 'numDays'],
    ['numDays=Infinity', 'numDays'],
    ['numDays=999999', 'numDays'],
    ['numDays=1&endDate=2026-01-01', 'numDays'],
    ['numDays=1&numDays=1', 'numDays'],
    ['startDate=2026-02-30', 'startDate'],
    ['startDate=2026-01-01T00:00:00Z', 'startDate'],
    ['startDate=2026-01-01%00', 'startDate'],
    ["startDate=2026-01-01'%3B--", 'startDate'],
    ['startDate=%F0%9F%92%A9', 'startDate'],
    ['endDate=2026-13-01', 'endDate'],
    ['endDate=0001-01-01', 'endDate'],
    ['startDate=2026-01-02&endDate=2026-01-01', 'endDate'],
    ['endDate=', 'endDate'],
    ['anonymize=yes', 'anonymize'],
    ['anonymize=1', 'anonymize'],
    ['anonymize=', 'anonymize'],
    ['anonymize=true&anonymize=false', 'anonymize'],
    ['anonymise=true', 'anonymise'],
    ['Anonymize=true', 'Anonymize'],
    ['__proto__=1', '__proto__'],
    ['constructor=1', 'constructor'],
    ['%00=1', '\0'],
    ['cursor=x', 'cursor'],
    ['limit=1&cursor=', 'cursor'],
    ['limit=1&cursor=%00', 'cursor'],
    ['limit=1&cursor=W10', 'cursor'],
    ['limit=1&cursor=bnVsbA', 'cursor'],
    [`limit=1&cursor=${'A'.repeat(4000)}`, 'cursor'],
  ]
  test('400: whatever is not as documented, by its field, and nothing is read', async () => {
    for (const [query, field] of hostile) {
      const before = await recorded()
      const answer = await world.ask(query)
      const text = await answer.text()
      assert.equal(answer.status, 400, `${query}: ${text.slice(0, 300)}`)
      const problem = JSON.parse(text) as { code: string; field: string; detail: string }
      assert.deepEqual([problem.code, problem.field], ['invalid', field], query)
      assert.equal(await recorded(), before, query)
    }
  })
  const recorded = async () =>
    (
      await world.app.deps.store.db
        .selectFrom('audit_events')
        .select((eb) => eb.fn.countAll().as('count'))
        .executeTakeFirstOrThrow()
    ).count

  test('400: a cursor of another question; forged places read nothing outside the range', async () => {
    const { next_cursor: cursor } = await world.page('limit=3&anonymize=true')
    for (const query of ['limit=3', 'limit=3&numDays=1&anonymize=true', `endDate=${today()}T23`]) {
      const answer = await world.ask(`${query}&cursor=${cursor}`)
      assert.equal(answer.status, 400, query)
      assert.equal((await answer.json()).field, 'cursor')
    }
    assert.equal((await world.page(`limit=3&anonymize=true&cursor=${cursor}`)).count, 3)
    const parts = JSON.parse(Buffer.from(cursor!, 'base64url').toString()) as (string | number)[]
    const forged = (index: number, value: unknown) =>
      Buffer.from(JSON.stringify(parts.with(index, value as string))).toString('base64url')
    const asked = async (index: number, value: unknown) =>
      world.ask(`limit=20000&anonymize=true&cursor=${forged(index, value)}`)
    for (let index = 0; index < parts.length; index++)
      for (const value of [null, {}, 1.5, 1e300, '\0', [1], true])
        assert.equal((await asked(index, value)).status, 400, `${index} ${JSON.stringify(value)}`)
    // Each is a whole number or a text: an answer, but never more than was asked for, and no failure.
    for (let index = 0; index < parts.length; index++)
      for (const value of [-(2 ** 53) + 1, 2 ** 53 - 1, -1, 0, 'x', '']) {
        const answer = await asked(index, value)
        const text = await answer.text()
        assert.ok(
          [200, 400].includes(answer.status),
          `${index} ${value}: ${answer.status} ${text.slice(0, 200)}`,
        )
        if (answer.status === 400) continue
        const { audit_logs: logs } = JSON.parse(text) as { audit_logs: { timestamp: string }[] }
        assert.ok(logs.every(({ timestamp }) => timestamp.startsWith(today())))
        assert.doesNotMatch(text, /192\.0\.2/)
      }
  })
})

/** Two servers on one PostgreSQL: what is taken away at one is gone at the other with its next request, and budgets are one. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { createSignpost, type NodeSignpost } from '@signpost/sdk/node'
import { startIssuer, type TestIssuer } from '../../packages/server/src/broker/testing/issuer.ts'
import { makeApiKey } from '../../packages/server/src/domain/api-key.ts'
import { requireServer } from '../servers/install.ts'
import { startPostgres, type Postgres } from '../servers/postgres.ts'
import { inTime } from '../in-time.ts'
import { freshEnvironment, startServer, untilPrinted, type ServerProcess } from './server-process.ts'

/** What README and guides promise. */
const promisedMs = 1000
const team = 'demo'
const read = { params: { team }, body: { action: 'read', key: 'a/k' } } as const

describe('two replicas', requireServer('postgres'), () => {
  let postgres: Postgres
  let issuer: TestIssuer
  let servers: [ServerProcess, ServerProcess]
  /** Here it is done ... */
  let admin: NodeSignpost
  /** ... and there it is tried. */
  let elsewhere: ServerProcess
  const open: NodeSignpost[] = []
  const ending: (() => unknown)[] = []

  before(async () => {
    const atEnd = { after: (run: () => unknown) => void ending.unshift(run) } as unknown as TestContext
    postgres = await startPostgres()
    issuer = await startIssuer(Date.now)
    const shared = {
      SIGNPOST_DATABASE_URL: postgres.url,
      SIGNPOST_MASTER_KEY: Buffer.alloc(32, 5).toString('base64'),
      SIGNPOST_RATE_LIMIT_PER_MINUTE: '0',
      SIGNPOST_LOG_LEVEL: 'fatal',
    }
    const env: Record<string, string> = { ...(await freshEnvironment(atEnd)), ...shared }
    const first = await startServer(atEnd, env)
    await untilPrinted(first, 'Ctrl-C')
    const other = { ...(await freshEnvironment(atEnd)), ...shared, SIGNPOST_LOCAL_STORE: 'off' }
    elsewhere = await startServer(atEnd, other)
    servers = [first, elsewhere]
    const adminToken = readFileSync(join(env['SIGNPOST_DATA_DIR']!, 'admin-token'), 'utf8').trim()
    admin = clientOf(first, adminToken)
  })
  after(async () => {
    for (const client of open) client.close()
    for (const end of ending) await end()
    await issuer?.close()
    await postgres?.stop()
  })

  const clientOf = ({ url }: ServerProcess, token: string): NodeSignpost => {
    const client = createSignpost({ url, token, retries: 0 })
    open.push(client)
    return client
  }

  /** A member of the team by a key of its own, known to the other server by a request. */
  const newMember = async (username: string, role = 'member') => {
    await admin.call('createUser', { body: { username } })
    await admin.call('setMember', { params: { team, username }, body: { role } })
    const key = await admin.call('createApiKey', { body: { name: 'own', username } })
    const there = clientOf(elsewhere, key.token!)
    await there.call('issueUrl', read)
    return { username, id: key.id, token: key.token!, there }
  }

  /** Done at one server, refused at the other by its next request, and that within the second. */
  const gone = async (
    t: TestContext,
    act: () => Promise<unknown>,
    tried: () => Promise<unknown>,
    code: string | number,
  ) => {
    const begun = performance.now()
    await act()
    const done = performance.now()
    // The first request after it counts: where the machine stood still meanwhile, its time does not.
    await inTime(promisedMs, () => assert.rejects(tried(), { code }))
    const ms = performance.now() - done
    t.diagnostic(`${Math.round(done - begun)} ms to do it, refused elsewhere ${Math.round(ms)} ms later`)
  }

  test('a deleted key', async (t) => {
    const { id, there } = await newMember('key-owner')
    const act = () => admin.call('deleteApiKey', { params: { id } })
    await gone(t, act, () => there.call('issueUrl', read), 'unauthenticated')
  })

  test('a deactivated user, and a deleted one', async (t) => {
    const leaving = await newMember('leaving')
    const params = { username: 'leaving' }
    const act = () => admin.call('updateUser', { params, body: { active: false } })
    await gone(t, act, () => leaving.there.call('issueUrl', read), 'unauthenticated')
    const { there } = await newMember('deleted')
    const remove = () => admin.call('deleteUser', { params: { username: 'deleted' } })
    await gone(t, remove, () => there.call('getMe', {}), 'unauthenticated')
  })

  test('a role that is lowered, a membership that ends, and a role of its own that loses a permission', async (t) => {
    const { there } = await newMember('mover')
    const params = { team, username: 'mover' }
    const write = { params: { team }, body: { action: 'write', key: 'a/k' } } as const
    await there.call('issueUrl', write)
    const lower = () => admin.call('setMember', { params, body: { role: 'viewer' } })
    await gone(t, lower, () => there.call('issueUrl', write), 'forbidden')
    await there.call('issueUrl', read)
    await gone(
      t,
      () => admin.call('removeMember', { params }),
      () => there.call('issueUrl', read),
      'not_found',
    )

    const scope = 'team'
    await admin.call('createRole', {
      body: { name: 'writer', scope, permissions: ['objects.read', 'objects.write'] },
    })
    const custom = await newMember('custom', 'writer')
    await custom.there.call('issueUrl', write)
    const change = () =>
      admin.call('updateRole', { params: { scope, role: 'writer' }, body: { permissions: ['objects.read'] } })
    await gone(t, change, () => custom.there.call('issueUrl', write), 'forbidden')
  })

  test('a restricted prefix that names who leaves at that moment: whichever comes first, it lets nobody in', async () => {
    const { token } = await admin.call('createApiKey', { body: { name: 'for the other server' } })
    const adminThere = clientOf(elsewhere, token!)
    const raw = new Client({ connectionString: postgres.url })
    await raw.connect()
    const untilWaiting = async (count: number) => {
      for (;;) {
        const { rows } = await raw.query<{ count: string }>(
          `with recursive behind as (
            select pid from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid))
            union select a.pid from pg_stat_activity a join behind b on b.pid = any(pg_blocking_pids(a.pid))
          ) select count(*) from behind`,
        )
        if (Number(rows[0]?.count) >= count) return
        await sleep(20)
      }
    }
    try {
      for (const order of ['set, leave', 'leave, set'] as const) {
        const [username, prefix] = [`racer ${order}`, `${order.replace(', ', '-')}/`]
        const { there } = await newMember(username)
        const acts = {
          set: () =>
            admin.call('setRestrictedPrefix', {
              params: { team },
              body: { prefix, grants: [{ username, access: 'read' }] },
            }),
          leave: () => adminThere.call('removeMember', { params: { team, username } }),
        }
        const outcomeOf = (act: () => Promise<unknown>) =>
          act().then(
            () => 'done',
            (error: { code?: string }) => error.code,
          )
        // Both have decided by what they read, and wait in this order for the member's row.
        await raw.query('begin')
        await raw.query(
          'select 1 from members where principal_id = (select id from principals where username = $1) for update',
          [username],
        )
        const outcomes: Promise<string | undefined>[] = []
        for (const [index, name] of order.split(', ').entries()) {
          outcomes.push(outcomeOf(acts[name as 'set']))
          await untilWaiting(index + 1)
        }
        await raw.query('commit')
        const isSetFirst = order === 'set, leave'
        assert.deepEqual(await Promise.all(outcomes), ['done', isSetFirst ? 'done' : 'conflict'], order)
        const { items } = await admin.call('listRestrictedPrefixes', { params: { team }, query: {} })
        const rule = items.find((one) => one.prefix === prefix)
        assert.deepEqual(rule?.grants, isSetFirst ? [] : undefined, order)
        await admin.call('setMember', { params: { team, username }, body: { role: 'member' } })
        const inside = there.call('issueUrl', {
          params: { team },
          body: { action: 'read', key: `${prefix}k` },
        })
        if (isSetFirst) await assert.rejects(inside, { code: 'forbidden' })
        else await inside
        if (rule) await admin.call('deleteRestrictedPrefix', { params: { team, id: rule.id } })
      }
    } finally {
      await raw.query('rollback').catch(() => undefined)
      await raw.end()
    }
  })

  test('a restricted prefix and a leave at two servers at once, again and again: no rule names who is gone', async () => {
    const { token } = await admin.call('createApiKey', { body: { name: 'for the other server, too' } })
    const adminThere = clientOf(elsewhere, token!)
    const { username } = await newMember('in and out')
    const prefix = 'again/'
    for (let round = 0; round < 15; round++) {
      await admin.call('setMember', { params: { team, username }, body: { role: 'member' } })
      const [set] = await Promise.allSettled([
        admin.call('setRestrictedPrefix', {
          params: { team },
          body: { prefix, grants: [{ username, access: round % 2 ? 'read' : 'write' }] },
        }),
        adminThere.call('removeMember', { params: { team, username } }),
      ])
      if (set.status === 'rejected')
        assert.match((set.reason as { code: string }).code, /^(conflict|invalid)$/, `round ${round}`)
      const { items } = await admin.call('listRestrictedPrefixes', { params: { team }, query: {} })
      assert.deepEqual(items.find((one) => one.prefix === prefix)?.grants ?? [], [], `round ${round}`)
    }
  })

  test('a restriction of a user, of the team, and of everybody; ended, it is over as soon', async (t) => {
    const { username, there } = await newMember('restricted')
    const tried = () => there.call('issueUrl', read)
    for (const about of [{ username }, { team }, { team, prefix: 'a/' }, { username, team }]) {
      let id = ''
      const body = { ...about, reason: 'looked into' }
      const act = async () => ({ id } = await admin.call('createRestriction', { body }))
      await gone(t, act, tried, 'restricted')
      await admin.call('endRestriction', { params: { id } })
      await tried()
    }
  })

  test('a prefix that is restricted to others', async (t) => {
    const { there } = await newMember('outside')
    let id = ''
    const body = { prefix: 'a/', grants: [] }
    const act = async () => ({ id } = await admin.call('setRestrictedPrefix', { params: { team }, body }))
    await gone(t, act, () => there.call('issueUrl', read), 'forbidden')
    await admin.call('deleteRestrictedPrefix', { params: { team, id } })
    await there.call('issueUrl', read)
  })

  test('a token by a trust rule: ended as a session, by its rule, by its service account', async (t) => {
    await admin.call('createServiceAccount', { body: { username: 'jobs', team } })
    await admin.call('setMember', { params: { team, username: 'jobs' }, body: { role: 'member' } })
    const rule = {
      name: 'jobs',
      issuer: issuer.issuer,
      audience: 'signpost',
      conditions: [{ claim: 'sub', equals: 'job:7' }],
      username: 'jobs',
      jwks: { keys: issuer.keys as { kty: string }[] },
      allowInternal: true,
    }
    await admin.call('createTrustRule', { body: rule })
    const exchange = async () => {
      const assertion = await issuer.sign({ sub: 'job:7', aud: 'signpost' })
      const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
      const response = await fetch(`${elsewhere.url}/oidc/token`, {
        method: 'POST',
        body: new URLSearchParams({ grant_type: grant, assertion }),
      })
      return (await response.json()) as { access_token?: string; error?: string }
    }
    const login = async () => {
      const there = clientOf(elsewhere, (await exchange()).access_token!)
      await there.call('issueUrl', read)
      return () => there.call('issueUrl', read)
    }
    const byToken = await login()
    const { items } = await admin.call('listSessions', { query: { username: 'jobs' } })
    assert.equal(items.length, 1)
    const end = () => admin.call('deleteSession', { params: { id: items[0]!.id } })
    await gone(t, end, byToken, 'unauthenticated')

    const byRule = await login()
    const enabled = (value: boolean) =>
      admin.call('updateTrustRule', { params: { name: 'jobs' }, body: { enabled: value } })
    await gone(t, () => enabled(false), byRule, 'unauthenticated')
    assert.equal((await exchange()).error, 'invalid_grant')
    await enabled(true)

    const byAccount = await login()
    const params = { username: 'jobs' }
    const stop = () => admin.call('updateServiceAccount', { params, body: { active: false } })
    await gone(t, stop, byAccount, 'unauthenticated')
    assert.equal((await exchange()).error, 'invalid_grant')
  })

  test('a session of a browser', async (t) => {
    await newMember('browsing')
    const { id, token, secretHash } = makeApiKey(randomBytes, 'session')
    // As a login leaves it.
    const database = new Client(postgres.url)
    await database.connect()
    const insert = `insert into api_keys (id, principal_id, name, secret_hash, created_at, expires_at, kind, idle_ms)
      select $1, id, 'browser', $2, $3, $4, 'session', 3600000 from principals where username = 'browsing'`
    await database.query(insert, [id, secretHash, Date.now(), Date.now() + 3_600_000])
    await database.end()
    const browse = async () => {
      const headers = { cookie: `signpost-session=${token}` }
      const { status } = await fetch(`${elsewhere.url}/v1/me`, { headers })
      if (status !== 200) throw Object.assign(new Error('refused'), { code: status })
    }
    await browse()
    const act = () => admin.call('deleteSession', { params: { id } })
    await gone(t, act, browse, 401)
  })

  test('a share link', async (t) => {
    const { token } = await newMember('sharer')
    const here = clientOf(servers[0], token)
    const link = await here.call('createShareLink', { params: { team }, body: { key: 'a/k' } })
    const { pathname, search } = new URL(link.url!)
    const follow = async () => {
      const { status } = await fetch(elsewhere.url + pathname + search, { redirect: 'manual' })
      if (status !== 307) throw Object.assign(new Error('refused'), { code: status })
    }
    await follow()
    const act = () => here.call('deleteShareLink', { params: { team, id: link.id } })
    await gone(t, act, follow, 404)
  })

  describe('share a budget', () => {
    test('of bytes: together they give what there is and not one more, asked at once and in batches', async () => {
      const { token, username } = await newMember('budgeted')
      const clients = servers.map((server) => clientOf(server, token))
      const limits = { writeBytesPerDay: 3000, liveWriteBytes: 2500 }
      await admin.call('setBudget', { body: { username, limits } })
      const item = (n: number) => ({ action: 'write', key: `b/${n}`, contentLength: 10 }) as const
      let [issued, refused] = [0, 0]
      await Promise.all(
        clients.flatMap((client, at) => [
          ...Array.from({ length: 10 }, async (_, n) => {
            for (let time = 0; time < 6; time++)
              await client.url(team, item(at * 1000 + n)).then(
                () => (issued += 1),
                (error: { code: string }) => {
                  assert.equal(error.code, 'budget_exhausted')
                  refused += 1
                },
              )
          }),
          ...Array.from({ length: 3 }, async () => {
            for await (const line of client.urls(
              team,
              Array.from({ length: 120 }, (_, n) => item(n)),
            )) {
              if (line.ok) issued += 1
              else {
                assert.equal(line.error.code, 'budget_exhausted')
                refused += 1
              }
            }
          }),
        ]),
      )
      assert.deepEqual([issued, refused], [250, 840 - 250])
      const answer = await fetch(`${elsewhere.url}/v1/teams/${team}/urls`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(item(0)),
      })
      const retryAfter = Number(answer.headers.get('retry-after'))
      assert.deepEqual([answer.status, retryAfter > 0 && retryAfter <= 90_000], [429, true])
      assert.match(await answer.text(), /urn:signpost:error:budget_exhausted.*liveWriteBytes: 2500/)
      const mine = { urlsPerMinute: 0, liveWriteBytes: 2500, writeBytesPerDay: 2500 }
      for (const client of clients) {
        const { items } = await client.call('listBudgets', { query: {} })
        assert.deepEqual(
          items.map(({ used }) => used),
          [mine],
        )
      }
    })

    test('of URLs: no minute has more of them, whichever server gave them', async () => {
      const { token, username } = await newMember('hasty')
      const clients = servers.map((server) => clientOf(server, token))
      await admin.call('setBudget', { body: { username, limits: { urlsPerMinute: 300 } } })
      await Promise.all(
        clients.flatMap((client) =>
          Array.from({ length: 4 }, async () => {
            const items = Array.from({ length: 150 }, (_, n) => ({ action: 'read', key: `${n}` }) as const)
            for await (const line of client.urls(team, items)) assert.ok(line)
          }),
        ),
      )
      const minutes = new Map<string, number>()
      for (const { at } of await issuedTo(username))
        minutes.set(at.slice(0, 16), (minutes.get(at.slice(0, 16)) ?? 0) + 1)
      const counts = [...minutes.values()]
      // The minute of the clock may have ended meanwhile; before the budget was there one URL was issued.
      assert.ok(
        counts.every((count) => count <= 301),
        String(counts),
      )
      assert.ok(counts.reduce((sum, count) => sum + count, 0) >= 301, String(counts))
    })

    test('with others: many budgets at once do not hold each other up', async () => {
      const members = []
      for (let n = 0; n < 6; n++) members.push(await newMember(`many-${n}`))
      for (const { username } of members)
        await admin.call('setBudget', { body: { username, limits: { urlsPerMinute: 1_000_000 } } })
      await admin.call('setBudget', { body: { team, limits: { writeBytesPerDay: 1_000_000 } } })
      const logged = readFileSync(postgres.logFile).length
      await Promise.all(
        members.flatMap(({ token }) =>
          servers.map(async (server) => {
            const client = clientOf(server, token)
            const write = { action: 'write', key: 'm', contentLength: 1 } as const
            for (let time = 0; time < 25; time++) await client.url(team, write)
          }),
        ),
      )
      const { items } = await admin.call('listBudgets', { query: {} })
      const ofTeam = items.find((budget) => budget.team === team)
      assert.equal(ofTeam?.used.writeBytesPerDay, 300)
      await admin.call('deleteBudget', { params: { id: ofTeam.id } })
      // Locks that wait for each other cost a second each time (deadlock_timeout).
      assert.doesNotMatch(readFileSync(postgres.logFile).subarray(logged).toString(), /deadlock/)
    })
  })

  test('checkpoints that both sign at the same moment are one sequence', async () => {
    const { token } = await admin.call('createApiKey', { body: { name: 'signer' } })
    const clients = servers.map((server) => clientOf(server, token!))
    const made = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        clients[index % 2]!.call('createAuditCheckpoint', { body: { rotateKey: index === 4 } }),
      ),
    )
    // Who changes the key may be told of the other's checkpoint, where that has signed with the new one already.
    const numbers = made.map(({ number }) => number)
    assert.equal(new Set(numbers.toSpliced(4, 1)).size, 9)
    const { items } = await admin.call('listAuditCheckpoints', { query: { limit: 1000 } })
    assert.deepEqual(
      items.map(({ number }) => number),
      items.map((_, index) => index + 1),
    )
    assert.equal(new Set(items.map(({ keyId }) => keyId)).size, 2)
  })

  test('afterwards the records of both verify', async () => {
    const answer = await admin.call('verifyAuditEvents', {})
    assert.deepEqual([answer.ok, answer.chains, answer.checkpoints?.firstBad], [true, 2, null])
  })

  const issuedTo = async (username: string) => {
    const all: { at: string }[] = []
    const query = { username, type: 'url.issue', decision: 'allow', limit: 1000 } as const
    for await (const { event } of admin.items('listAuditEvents', { query })) all.push(event)
    return all
  }
})

/** A server with teams on a store that logs, people who use it, and a ledger of all that is done. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { AccessLogRecord, FileCounts, IssuedUrl } from '@signpost/contract'
import { createNodeTransport, createSignpost, type Signpost, type Transport } from '@signpost/sdk/node'
import { freshEnvironment, startServer, untilPrinted, type ServerProcess } from '../server-process.ts'
import { createLedger, type Holder, type Ledger } from './ledger.ts'
import { sendAs, type Answer, type LoggedStore, type Sent } from './logged-store.ts'
import { grantIn, honestOutcome, namesOf, note, teams, type Outcome } from './notes.ts'
import { allRecords, handIn, readAsFolder, settled } from './reading.ts'

export interface Person {
  username: string
  token: string
  signpost: Signpost
  /** The SDK, whose every request to the store goes into the ledger. */
  transfers: (team: string) => Signpost
}

export interface World {
  server: ServerProcess
  store: LoggedStore
  admin: Signpost
  adminToken: string
  people: Record<'alice' | 'bob' | 'carol' | 'trainer', Person>
  ledger: Ledger
  logsDir: string
  holder(user: string, team: string, issued: { grantId: string }): Holder
  /** Uses a URL as it was given. */
  use(holder: Holder, issued: IssuedUrl, more?: Partial<Sent> & { what?: string }): Promise<Answer>
  /** Sends anything, and notes what is to be made of it. */
  send(
    what: string,
    sent: Sent,
    outcome: (status: number) => Outcome | undefined,
    holder?: Holder,
  ): Promise<Answer>
  /** Hands the log over as a file of that name, and has it read. */
  read(name: string, text: string): Promise<{ lines: number; records: number; unparsed: number }>
  /** The same over HTTP, in one go. */
  handIn(name: string, text: string): Promise<FileCounts>
  records(query?: { key?: string; team?: string }): Promise<AccessLogRecord[]>
  log(): string
  /** When the log tells all that was done. */
  settled(): Promise<string>
}

export async function openWorld(t: TestContext, store: LoggedStore): Promise<World> {
  const logsDir = mkdtempSync(join(tmpdir(), 'signpost-logs-'))
  t.after(() => rmSync(logsDir, { recursive: true, force: true }))
  const env: Record<string, string> = {
    ...(await freshEnvironment(t)),
    ...store.env,
    SIGNPOST_LOGS_DIR: logsDir,
    SIGNPOST_LOGS_INTERVAL_SECONDS: '0',
    SIGNPOST_RATE_LIMIT_PER_MINUTE: '0',
  }
  // What made the bucket is not told of; a header is.
  const before = readFileSync(store.logFile, 'latin1')
  const logBegins = before.startsWith('"time_micros"') ? 0 : before.length
  const server = await startServer(t, env)
  await untilPrinted(server, 'Ctrl-C')
  const adminToken = readFileSync(join(env['SIGNPOST_DATA_DIR'] ?? '', 'admin-token'), 'utf8').trim()
  const admin = clientOf(t, server, adminToken)
  for (const [index, { settings }] of store.connectors.entries()) {
    const [team, name] = [teams[index]!, `connector-${index + 1}`]
    await admin.call('createConnector', { body: { settings: settings(name) } })
    await admin.call('createTeam', { body: { name: team, connector: name } })
  }
  const ledger = createLedger()
  const world = { server, store, admin, adminToken, ledger, logsDir } as World
  world.holder = (user, team, { grantId }) => {
    return { user, team, grantId, namesGrant: namesOf(store, team) === 'grant' }
  }
  world.use = (holder, issued, { what = '', ...more } = {}) => {
    const { method, url, headers } = issued
    const sent = { method, url, ...more, headers: { ...headers, ...more.headers } }
    const noted = (status: number) => honestOutcome(store, holder, status)
    return world.send(`${holder.user} ${method} ${what}`, sent, noted, holder)
  }
  world.send = (what, sent, outcome, holder) => sendNoted(world, what, sent, outcome, holder)
  const logOf = () => readFileSync(store.logFile, 'latin1')
  world.log = () => logOf().slice(logBegins)
  world.settled = () => settled(world)
  world.handIn = (name, text) => handIn(world, name, text)
  world.records = (query = {}) => allRecords(admin, query)
  world.read = (name, text) => readAsFolder(world, name, text)
  world.people = await peopleOf(t, world)
  return world
}

function clientOf(t: TestContext, { url }: ServerProcess, token: string, transport?: Transport): Signpost {
  const signpost = createSignpost({ url, token, transport })
  t.after(() => signpost.close())
  return signpost
}

async function peopleOf(t: TestContext, world: World): Promise<World['people']> {
  const { admin, server, store } = world
  const people = {} as World['people']
  const members = { alice: teams, bob: ['red'], carol: ['blue'], trainer: ['blue'] } as const
  for (const [username, its] of Object.entries(members)) {
    if (username === 'trainer') await admin.call('createServiceAccount', { body: { username } })
    else await admin.call('createUser', { body: { username } })
    for (const team of its.slice(0, store.connectors.length))
      await admin.call('setMember', { params: { team, username }, body: { role: 'member' } })
    const { token } = await admin.call('createApiKey', { body: { name: username, username } })
    assert.ok(token)
    const transfers = (team: string) => clientOf(t, server, token, noting(world, username, team))
    people[username as 'alice'] = { username, token, signpost: clientOf(t, server, token), transfers }
  }
  return people
}

/** The SDK's own way to the store, with each request tagged, and noted as honest. */
function noting({ ledger, store, holder }: World, username: string, team: string): Transport {
  const inner = createNodeTransport()
  return {
    ...inner,
    async send(request) {
      const tag = ledger.tag()
      const { method, url } = request
      const answer = await inner.send({ ...request, headers: { ...request.headers, 'user-agent': tag } })
      const of = holder(username, team, { grantId: grantIn(url) })
      const noted = {
        tag,
        method,
        url,
        status: answer.status,
        outcome: honestOutcome(store, of, answer.status),
        holder: of,
      }
      note(ledger, store, `the SDK for ${username}`, noted)
      return answer
    },
  }
}

async function sendNoted(
  { store, ledger }: World,
  what: string,
  sent: Sent,
  outcome: (status: number) => Outcome | undefined,
  holder?: Holder,
): Promise<Answer> {
  const tag = ledger.tag()
  const agent = sent.headers?.['user-agent']
  const headers = { ...sent.headers, 'user-agent': agent === undefined ? tag : `${agent} ${tag}` }
  const answer = await sendAs({ ...sent, headers }, store.ca)
  const told = outcome(answer.status)
  const { method, url } = sent
  if (told)
    note(ledger, store, what, {
      tag,
      method,
      url,
      status: answer.status,
      outcome: told,
      ...(holder ? { holder } : {}),
    })
  return answer
}

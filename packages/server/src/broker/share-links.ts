/** Links that read one object, or what lies below a prefix, in the name of whoever made them. */
import {
  SignpostError,
  type KeyScope,
  type ParsedInput,
  type Reply,
  type ShareLink,
} from '@signpost/contract'
import { storedScope } from '../domain/access-rules.ts'
import { makeApiKey } from '../domain/api-key.ts'
import { mayOrganisation } from '../domain/decide-access.ts'
import { isoOf, isoOrNull } from '../domain/instant.ts'
import { keyInBucket, keyRuleSentence, objectKeyProblem } from '../domain/object-key.ts'
import { deleteApiKey, insertApiKey } from '../store/api-keys.ts'
import { pageOfRows, readTextCursor } from '../store/page.ts'
import {
  countShareLinks,
  findShareLink,
  insertShareLink,
  listShareLinks as listRows,
  type ShareLinkRow,
} from '../store/share-links.ts'
import { decideMaking } from './api-keys.ts'
import { decideObject, objectDecider } from './decide-object.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { checkPlainText, decideTeam, isId, requireTeam } from './gate.ts'
import { createOnce } from './idempotency.ts'
import { shareLinkUrl } from './redirect-address.ts'
import { recordableKey, requireAllowed } from './refuse.ts'

/** Of one principal, in all teams. */
const linksMax = 1000

type Created = Reply<'createShareLink'>

const absentLink = 'There is no such link in this team, or it is not yours to manage.'

export async function listShareLinks(
  deps: BrokerDeps,
  caller: Caller,
  { params, query: { limit, cursor } }: ParsedInput<'listShareLinks'>,
): Promise<Reply<'listShareLinks'>> {
  const { team } = await requireTeam(deps, caller, params.team, 'team.see', 'access.refuse')
  const manages = await decideTeam(deps, caller, team, 'members.manage')
  const seesAll = manages.outcome === 'allow' || mayOrganisation(caller.principal, 'access.review')
  const whose = {
    teamId: team.id,
    makerId: seesAll ? undefined : caller.principal.id,
    now: deps.clock(),
  }
  const rows = await listRows(deps.store.db, whose, { limit, after: readTextCursor(cursor) })
  const page = pageOfRows(rows, limit, ({ id }) => [id])
  const mayName = await namerOf(deps, caller, team.name)
  return { items: page.rows.filter(mayName).map(shownLink), nextCursor: page.nextCursor }
}

/** A key for some objects does not show what its owner's links are called that lead to others. */
async function namerOf(
  deps: BrokerDeps,
  caller: Caller,
  team: string,
): Promise<(row: ShareLinkRow) => boolean> {
  const { scope } = caller.principal
  if (scope?.prefixes === undefined && scope?.keys === undefined) return () => true
  const decide = objectDecider(deps, caller, await deps.store.hot.findTarget(team, caller.principal.id))
  return ({ objectKey, prefix }) =>
    decide(objectKey === null ? 'list' : 'read', objectKey ?? prefix ?? '').outcome === 'allow'
}

export async function createShareLink(
  deps: BrokerDeps,
  caller: Caller,
  input: ParsedInput<'createShareLink'> & { idempotencyKey?: string },
): Promise<Created> {
  const { params, body } = input
  const { principal } = caller
  const target = await deps.store.hot.findTarget(params.team, principal.id)
  const path = body.key ?? body.prefix ?? ''
  const asked = { key: recordableKey(target, path), action: 'read' } as const
  const gate = await requireTeam(deps, caller, params.team, 'links.create', 'link.create', asked)
  const refused = { type: 'link.create', fields: { team: params.team, ...asked } } as const
  // A link is a key: what may make none makes no link, which would be wider, or live longer.
  await requireAllowed(deps, caller, await decideMaking(deps, caller), refused)
  const ask = body.key === undefined ? 'list' : 'read'
  await requireAllowed(deps, caller, decideObject(deps, caller, ask, path, target), refused)
  checkPath(gate.team.prefix, body)
  checkPlainText('note', body.note)
  return createOnce<Created>(deps, caller, 'createShareLink', input, async () => {
    const { db } = deps.store
    if ((await countShareLinks(db, principal.id)) >= linksMax)
      throw new SignpostError('conflict', `You have ${linksMax} links: take some back first.`)
    const { id, token, secretHash } = makeApiKey(deps.randomBytes, 'shareLink')
    const row = newRow(deps, caller, { id, team: gate.team, body })
    const { expiresAt } = row
    const unit = {
      statements: [
        insertApiKey(db, {
          id,
          principal_id: principal.id,
          name: body.note,
          secret_hash: secretHash,
          created_at: row.createdAt,
          expires_at: expiresAt,
          last_used_at: null,
          kind: 'shareLink',
          scope: row.scope,
        }),
        insertShareLink(db, {
          id,
          team_id: row.teamId,
          object_key: row.objectKey,
          prefix: row.prefix,
          uses_max: row.usesMax,
        }),
      ],
      events: [
        eventOf(deps, caller, 'link.create', gate.decision, {
          team: row.team,
          ...asked,
          details: madeDetails(row),
        }),
      ],
    }
    const shown = shownLink(row)
    const url = shareLinkUrl(deps.publicUrl(), row.team, path, token)
    return { unit, reply: { ...shown, url }, repeatedReply: { ...shown, url: null } }
  })
}

/** At once: the next use is refused, in every replica. */
export async function deleteShareLink(
  deps: BrokerDeps,
  caller: Caller,
  { params }: ParsedInput<'deleteShareLink'>,
): Promise<undefined> {
  const type = 'link.delete'
  const { db } = deps.store
  const details = { link: params.id.slice(0, 64).toWellFormed() }
  const gate = await requireTeam(deps, caller, params.team, 'team.see', type, { details })
  const found = isId(params.id) ? await findShareLink(db, params.id) : undefined
  const row = found?.teamId === gate.team.id ? found : undefined
  const own = row?.principalId === caller.principal.id && caller.principal.scope === undefined
  const decision = own ? gate.decision : await decideTeam(deps, caller, gate.team, 'members.manage')
  const fields = { team: gate.team.name, details }
  await requireAllowed(deps, caller, row ? hidden(decision) : noSuchLink, {
    type,
    fields,
    absent: absentLink,
  })
  const { teamPrefix, objectKey, prefix } = row!
  const event = eventOf(deps, caller, type, decision, {
    ...fields,
    key: keyInBucket(teamPrefix, objectKey ?? prefix ?? ''),
    details: { link: row!.id, owner: row!.username },
  })
  await deps.store.commit({ statements: [deleteApiKey(db, row!.id)], events: [event] })
  return undefined
}

const noSuchLink = { outcome: 'deny', reason: 'no_such_thing', visible: false } as const

/** Who may not manage a link does not learn that it is there. */
function hidden<D extends { outcome: 'allow' | 'deny'; reason: string }>(decision: D) {
  return decision.outcome === 'allow' ? { ...decision, visible: true } : { ...decision, visible: false }
}

function checkPath(teamPrefix: string, { key, prefix }: ParsedInput<'createShareLink'>['body']): void {
  const field = key === undefined ? 'prefix' : 'key'
  // Without the slash it would open what only begins alike.
  if (prefix !== undefined && !prefix.endsWith('/'))
    throw new SignpostError('invalid_key', 'prefix: must end with /.', { field })
  const problem = objectKeyProblem(teamPrefix, key ?? prefix?.slice(0, -1) ?? '')
  if (problem) throw new SignpostError('invalid_key', `${field}: ${keyRuleSentence(problem)}.`, { field })
}

function newRow(
  deps: BrokerDeps,
  { principal }: Caller,
  {
    id,
    team,
    body,
  }: {
    id: string
    team: { id: string; name: string; prefix: string }
    body: ParsedInput<'createShareLink'>['body']
  },
): ShareLinkRow {
  const { key, prefix, networks, usesMax } = body
  const createdAt = deps.clock()
  // A link is a key, and lives no longer than the organisation lets keys live.
  const { apiKeySecondsMax: most } = deps.policy
  const seconds = most === 0 ? body.expiresInSeconds : Math.min(body.expiresInSeconds, most)
  const scope: KeyScope = {
    teams: [team.name],
    actions: ['read'],
    ...(key === undefined ? { prefixes: [prefix!] } : { keys: [key] }),
    ...(networks === undefined ? {} : { networks }),
  }
  return {
    id,
    teamId: team.id,
    team: team.name,
    teamPrefix: team.prefix,
    objectKey: key ?? null,
    prefix: prefix ?? null,
    usesMax: usesMax ?? null,
    uses: 0,
    principalId: principal.id,
    username: principal.username,
    note: body.note,
    scope: JSON.stringify(scope),
    createdAt,
    expiresAt: createdAt + seconds * 1000,
    lastUsedAt: null,
  }
}

function madeDetails(row: ShareLinkRow): Record<string, string | number> {
  const { networks } = shownLink(row)
  return {
    link: row.id,
    expiresAt: isoOf(row.expiresAt ?? 0),
    ...(row.usesMax === null ? {} : { usesMax: row.usesMax }),
    ...(row.prefix === null ? {} : { prefix: row.prefix }),
    ...(networks.length === 0 ? {} : { networks: networks.join(' ') }),
    ...(row.note === '' ? {} : { note: row.note }),
  }
}

function shownLink(row: ShareLinkRow): ShareLink {
  return {
    id: row.id,
    team: row.team,
    key: row.objectKey,
    prefix: row.prefix,
    createdBy: row.username,
    createdAt: isoOf(row.createdAt),
    expiresAt: isoOf(row.expiresAt ?? 0),
    usesMax: row.usesMax,
    uses: row.uses,
    lastUsedAt: isoOrNull(row.lastUsedAt),
    networks: storedScope(row.scope)?.networks ?? [],
    note: row.note,
  }
}
